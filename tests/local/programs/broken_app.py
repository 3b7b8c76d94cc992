"""A CDK app: the light package with an import that it does not carry, behind a custom resource as the real stack's.

The overlay of the deploy says which module gets the import (`into`, a path) and what it imports (`imports`).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from aws_cdk import App, CustomResource, Stack, custom_resources
from aws_cdk import aws_lambda as lambda_

from stacks import bundling

if __name__ == "__main__":
    app = App()
    folder = Path(tempfile.mkdtemp())
    bundling.assemble(bundling.LIGHT, "text", folder, wheels=None)
    told = json.loads(Path(app.node.try_get_context("overlay")).read_text())
    module = folder / told["into"]
    module.write_text(f"{module.read_text()}\nimport {told['imports']}\n")
    stack = Stack(app, "broken")
    on_event = lambda_.Function(
        stack,
        "OnEvent",
        runtime=bundling.RUNTIME,
        handler="lambdas.events.deploy.on_event",
        code=lambda_.Code.from_asset(str(folder)),
    )
    provider = custom_resources.Provider(stack, "Provider", on_event_handler=on_event)
    CustomResource(stack, "Converged", service_token=provider.service_token, resource_type="Custom::Endpoint")
    app.synth()

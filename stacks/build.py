"""From the app's context to its stack and its checks: shared by `app.py` and the tests."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from aws_cdk import App, Environment, Validations
from cdk_nag import AwsSolutionsChecks

from stacks import cdk_json, nag
from stacks.paths import ROOT
from stacks.stack import AutomateMlops

_DEFAULT_REGION = "us-east-1"
# AWS's isolated partitions (aws-iso, -b, -e, -f): other names in ARNs and other hosts than this project knows.
_ISOLATED = re.compile(r"(us|eu)-iso[a-z]?-")


def context() -> dict[str, Any]:
    """The context of cdk.json. The CLI hands it over too, with its -c values on top; without the CLI this is all."""
    values: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return values


def build(app: App) -> AutomateMlops:
    """The project's stack in `app`, by the context keys `settings`, `overlay` (a path), `local` and `account`.

    Without an account the template is for any account; the region must be known, since AWS's images differ by it.
    Raises SettingsError.
    """
    values = cdk_json.load(app.node)
    account = os.environ.get("CDK_DEFAULT_ACCOUNT") or app.node.try_get_context("account")
    region = os.environ.get("CDK_DEFAULT_REGION") or os.environ.get("AWS_REGION") or _DEFAULT_REGION
    if _ISOLATED.match(region):
        raise cdk_json.SettingsError(
            f"{region} is a region of an isolated partition, where this project cannot run: ARNs and hosts have other "
            "names there. Set AWS_REGION to a region of the partitions aws, aws-cn or aws-us-gov."
        )
    local = str(app.node.try_get_context("local")).lower() == "true"
    stack = AutomateMlops(
        app,
        values.project,
        settings=values,
        local=local,
        env=Environment(account=str(account) if account else None, region=region),
    )
    if not local:
        # The same stack is checked whenever it is meant for AWS; a laptop's deploy would take twice as long for it.
        nag.acknowledge(stack, values)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stack

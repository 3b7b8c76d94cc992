"""Synthesizes the real stack, and reads its template as CloudFormation would: with the references resolved."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.build import build, context
from stacks.stack import AutomateMlops

ACCOUNT, REGION = "111122223333", "us-east-1"
PROJECT = "automate-mlops"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": PROJECT,
}
# What Ref and Arn of a resource are, where a definition or a policy needs them.
_NAMES = {
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{name}"),
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}"),
    "AWS::IAM::Role": ("RoleName", f"arn:aws:iam::{ACCOUNT}:role/{{name}}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}:*"),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{name}}",
    ),
}
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}


@dataclass(frozen=True)
class Synthesized:
    """A stack, its cloud assembly's folder, and its template as written; what is read of that is read once."""

    stack: AutomateMlops
    folder: Path
    written: dict[str, Any]

    @cached_property
    def template(self) -> Template:
        """For assertions: the template with its references resolved, so that they name ARNs and no hashed ids."""
        return Template.from_json({"Resources": self.resolved})

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The resources, with every reference replaced by what it stands for."""
        return {name: self.resolve(resource) for name, resource in self.written["Resources"].items()}

    def of_type(self, kind: str) -> dict[str, Any]:
        """Properties of the resolved resources of one type, by logical id."""
        return {name: r["Properties"] for name, r in self.resolved.items() if r["Type"] == kind}

    def handlers(self) -> dict[Path, list[str]]:
        """The handlers of our functions, by the folder that their code is packed from. Of a bundled synth alone."""
        found: dict[Path, list[str]] = {}
        for function in self.of_type("AWS::Lambda::Function").values():
            if function["Handler"].startswith("lambdas."):
                package = self.folder / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
                found.setdefault(package, []).append(function["Handler"])
        return found

    def definition(self) -> dict[str, Any]:
        """The pipeline's state machine, as Step Functions gets it."""
        machines = self.of_type("AWS::StepFunctions::StateMachine").values()
        found = next(m for m in machines if m.get("StateMachineName") == f"{PROJECT}-pipeline")
        definition: dict[str, Any] = json.loads(found["DefinitionString"])
        return definition

    def resolve(self, value: Any) -> Any:
        """`value` with Ref, GetAtt, Join and Sub replaced."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.resolve(part) for part in parts)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._ref(found[1]), text)
        return {key: self.resolve(item) for key, item in value.items()}

    def _ref(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        kind = self.written["Resources"].get(name, {}).get("Type")
        return self._attribute(name, "Arn" if kind in _REF_IS_ARN else "Name")

    def _attribute(self, name: str, attribute: str) -> str:
        resource = self.written["Resources"].get(name, {"Type": "Parameter"})
        key, arn = _NAMES.get(resource["Type"], ("", ""))
        own = self.resolve(resource.get("Properties", {}).get(key, name))
        return arn.format(name=own) if attribute == "Arn" and arn else str(own)


def synthesize(
    folder: Path, *, overlay: dict[str, Any] | None = None, bundled: bool = False, **values: str
) -> Synthesized:
    """Synthesize what cdk.json says into `folder`, with `overlay` over its settings and `values` as in `-c key=value`.

    Packages are made only if `bundled`: it takes a while, and most tests do not look at them.
    """
    extra: dict[str, Any] = {**values, **({} if bundled else {"aws:cdk:bundling-stacks": []})}
    if overlay is not None:
        path = folder.parent / f"{folder.name}-overlay.json"
        path.write_text(json.dumps(overlay), encoding="utf-8")
        extra["overlay"] = str(path)
    app = App(context={**context(), **extra}, outdir=str(folder))
    stack = build(app)
    app.synth()
    return Synthesized(stack, folder, json.loads((folder / stack.template_file).read_text(encoding="utf-8")))

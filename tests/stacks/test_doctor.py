"""The names and versions that the doctor asks for are those of the template."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk.assertions import Match

from ops.doctor import bootstrap
from ops.subscription import topic_name
from tests.stacks.synth import PROJECT, Synthesized


def test_the_topic_and_the_queue_are_called_so(aws: Synthesized) -> None:
    aws.template.has_resource_properties("AWS::SNS::Topic", {"TopicName": topic_name(PROJECT)})
    aws.template.has_resource_properties("AWS::SQS::Queue", {"QueueName": f"{PROJECT}-dead-letters"})


def test_the_alarms_are_called_so_that_they_are_found(aws: Synthesized) -> None:
    named = {"AlarmName": Match.string_like_regexp(f"^{PROJECT}-[A-Za-z0-9]+$")}
    aws.template.all_resources_properties("AWS::CloudWatch::Alarm", named)


def test_the_function_that_is_asked_for_the_settings_has_them(aws: Synthesized) -> None:
    asked = ("SETTINGS", "SERVING_IMAGE", "LEDGER", "STATE_MACHINE_ARN", "ENDPOINT", "TOPIC_ARN")
    variables = {"Variables": dict.fromkeys(asked, Match.any_value())}
    redeploy = {"FunctionName": f"{PROJECT}-redeploy", "Environment": variables}
    aws.template.has_resource_properties("AWS::Lambda::Function", redeploy)


def test_the_bootstrap_version_is_the_one_that_the_assembly_asks_for(aws: Synthesized) -> None:
    manifest = json.loads((aws.folder / "manifest.json").read_text(encoding="utf-8"))
    assert max(_asked(manifest)) == bootstrap.NEEDED


def _asked(value: Any) -> list[int]:
    if isinstance(value, dict):
        own = [value["requiresBootstrapStackVersion"]] if "requiresBootstrapStackVersion" in value else []
        return own + [found for item in value.values() for found in _asked(item)]
    return [found for item in value for found in _asked(item)] if isinstance(value, list) else []

"""The names and versions that the doctor asks for are those of the template."""

from __future__ import annotations

import json
from typing import Any

from ops.doctor import bootstrap
from ops.subscription import topic_name
from tests.stacks.synth import PROJECT, Synthesized


def test_the_topic_and_the_queue_are_called_so(aws: Synthesized) -> None:
    topics = {one["TopicName"] for one in aws.of_type("AWS::SNS::Topic").values()}
    queues = {one["QueueName"] for one in aws.of_type("AWS::SQS::Queue").values()}
    assert topic_name(PROJECT) in topics
    assert f"{PROJECT}-dead-letters" in queues


def test_the_alarms_are_called_so_that_they_are_found(aws: Synthesized) -> None:
    names = [one["AlarmName"] for one in aws.of_type("AWS::CloudWatch::Alarm").values()]
    assert names
    assert all(name.removeprefix(f"{PROJECT}-").isalnum() for name in names)


def test_the_function_that_is_asked_for_the_settings_has_them(aws: Synthesized) -> None:
    functions = {
        one["FunctionName"]: one for one in aws.of_type("AWS::Lambda::Function").values() if "FunctionName" in one
    }
    variables = functions[f"{PROJECT}-redeploy"]["Environment"]["Variables"]
    assert {"SETTINGS", "SERVING_IMAGE", "LEDGER", "STATE_MACHINE_ARN", "ENDPOINT", "TOPIC_ARN"} <= set(variables)


def test_the_bootstrap_version_is_the_one_that_the_assembly_asks_for(aws: Synthesized) -> None:
    manifest = json.loads((aws.folder / "manifest.json").read_text(encoding="utf-8"))
    assert max(_asked(manifest)) == bootstrap.NEEDED


def _asked(value: Any) -> list[int]:
    if isinstance(value, dict):
        own = [value["requiresBootstrapStackVersion"]] if "requiresBootstrapStackVersion" in value else []
        return own + [found for item in value.values() for found in _asked(item)]
    return [found for item in value for found in _asked(item)] if isinstance(value, list) else []

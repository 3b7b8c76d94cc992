"""Verify: which config is live, and do the golden rows get the answers that Evaluate saw, over real HTTP?"""

from __future__ import annotations

import json
import time
from typing import Any

from domain import layout
from domain.golden import Golden, disagreement
from domain.messages import Verified, VerifyStep
from lambdas.environment import Environment
from lambdas.hosting import describe_endpoint
from lambdas.storage import read_json
from lambdas.telemetry import logger

_TRIES = 3
_PAUSE_SECONDS = 2.0


class VerifyFailed(Exception):
    """What is live is not what was judged; the message says how it differs."""


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Agreement, or VerifyFailed."""
    step, env = VerifyStep.model_validate(event), Environment.read()
    endpoint = describe_endpoint(env)
    if step.config is None:
        if endpoint and endpoint["EndpointStatus"] != "Deleting":
            raise VerifyFailed(f"endpoint {env.endpoint} is there, though no model is promoted")
        return Verified().to_payload()
    _check_config(env, endpoint, step.config)
    run = layout.deployed_run(env.project, step.config)
    golden: list[Golden] | None = read_json(env, layout.run_file(str(run), "golden.json"))
    if not golden:
        raise VerifyFailed(f"run {run} has no golden rows to ask")
    started = time.monotonic()
    found = disagreement(golden, _ask(env, [row["text"] for row in golden]))
    if found:
        raise VerifyFailed(found)
    # Latency is recorded, never a reason to roll back: a cold start is not a fault.
    logger().info("Verified", extra={"config": step.config, "seconds": round(time.monotonic() - started, 3)})
    return Verified().to_payload()


def _check_config(env: Environment, endpoint: dict[str, Any] | None, config: str) -> None:
    if endpoint is None:
        raise VerifyFailed(f"endpoint {env.endpoint} does not exist")
    why = endpoint.get("FailureReason", "no reason was given")
    if endpoint["EndpointStatus"] != "InService":
        raise VerifyFailed(f"endpoint {env.endpoint} is {endpoint['EndpointStatus']}: {why}")
    # InService alone proves nothing: after a failed update the old config is InService again.
    if endpoint["EndpointConfigName"] != config:
        raise VerifyFailed(f"{endpoint['EndpointConfigName']} is live instead of {config}: {why}")


def _ask(env: Environment, texts: list[str]) -> list[tuple[str, float]]:
    runtime = env.client("sagemaker-runtime")
    for attempt in range(1, _TRIES + 1):
        try:
            response = runtime.invoke_endpoint(
                EndpointName=env.endpoint,
                ContentType="application/json",
                Body=json.dumps({"inputs": texts, "parameters": {"top_k": 1}}),
            )
        except (runtime.exceptions.ModelError, runtime.exceptions.ModelNotReadyException) as error:
            if attempt == _TRIES:
                raise VerifyFailed(f"the golden rows were not answered: {error}") from error
            time.sleep(_PAUSE_SECONDS * attempt)
        else:
            return [(answer[0]["label"], answer[0]["score"]) for answer in json.loads(response["Body"].read())]
    raise AssertionError("unreachable: the last try returns or raises")

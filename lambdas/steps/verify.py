"""Verify: which config is live, and do the golden rows get the answers that Evaluate saw, over real HTTP?

They are asked one by one, as clients ask, and then all at once: a server that breaks at its third request, or that
answers otherwise in a batch, must not be found out by a client.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

import tasks
from domain import layout
from domain.errors import VerifyFailed
from domain.golden_rows import Golden, disagreement, read, tolerance
from domain.messages import VerifyStep
from lambdas.environment import Environment
from lambdas.model.hosting import describe_endpoint
from lambdas.storage import read_json
from lambdas.telemetry import logger

# Requests that may fail before a model is called broken, all golden rows together: a cold start is no fault.
_FORGIVEN: Final = 2
_PAUSE_SECONDS: Final = 2.0
# A container that is not there yet says so at once, and as often as it is asked. It is waited for by the clock.
_PROVISIONING_SECONDS: Final = 180.0
# A slow model is no broken one: what was not asked by itself until then is asked with the others.
_ONE_BY_ONE_SECONDS: Final = 60.0


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """See that the right config is live and answers as was judged. Raises VerifyFailed."""
    step, env = VerifyStep.read(event), Environment.read()
    name = env.rehearsal if step.stage == "rehearsal" else env.endpoint
    endpoint = describe_endpoint(env, name)
    if step.config is None:
        if endpoint and endpoint["EndpointStatus"] != "Deleting":
            raise VerifyFailed(f"endpoint {name} is there, though no model is promoted")
        return {}
    _check_config(name, endpoint, step.config)
    run = layout.deployed_run(env.project, step.config)
    golden = read(read_json(env, layout.run_file(str(run), "golden.json")) or ())
    if not golden:
        raise VerifyFailed(f"run {run} has no golden rows to ask")
    seconds = _compare(_Asker(env, name), golden, tolerance(golden, tasks.kind(env.settings.task)))
    # Latency is recorded, never a reason to roll back: a cold start is not a fault.
    logger().info("Verified", extra={"config": step.config, "seconds": round(seconds, 3)})
    return {}


def _check_config(name: str, endpoint: dict[str, Any] | None, config: str) -> None:
    if endpoint is None:
        raise VerifyFailed(f"endpoint {name} does not exist")
    why = endpoint.get("FailureReason", "no reason was given")
    if endpoint["EndpointStatus"] != "InService":
        raise VerifyFailed(f"endpoint {name} is {endpoint['EndpointStatus']}: {why}")
    # InService alone proves nothing: after a failed update the old config is InService again.
    if endpoint["EndpointConfigName"] != config:
        raise VerifyFailed(f"{endpoint['EndpointConfigName']} is live instead of {config}: {why}")


def _compare(asker: _Asker, golden: list[Golden], allowed: float) -> float:
    """The seconds until all golden rows had the right answers, their scores off by `allowed`. Raises VerifyFailed."""
    started = time.monotonic()
    singly: list[tuple[str, float]] = []
    for row in golden:
        if time.monotonic() - started > _ONE_BY_ONE_SECONDS:
            break
        singly += asker.ask([row["inputs"]])
    together = asker.ask([row["inputs"] for row in golden])
    found = disagreement(golden[: len(singly)], singly, allowed) or disagreement(golden, together, allowed)
    if found:
        raise VerifyFailed(found)
    return time.monotonic() - started


class _Asker:
    """Asks one endpoint, and forgives it so many failures. It has some minutes to be provisioned."""

    def __init__(self, env: Environment, endpoint: str) -> None:
        self._runtime, self._endpoint, self._failures = env.client("sagemaker-runtime"), endpoint, 0
        self._ready_by = time.monotonic() + _PROVISIONING_SECONDS

    def ask(self, inputs: list[Any]) -> list[tuple[str, float]]:
        """The first label of each row and its score. Raises VerifyFailed."""
        body = json.dumps({"inputs": inputs, "parameters": {"top_k": 1}})
        errors = self._runtime.exceptions
        while True:
            try:
                response = self._runtime.invoke_endpoint(
                    EndpointName=self._endpoint, ContentType="application/json", Body=body
                )
            except errors.ModelNotReadyException as error:
                if time.monotonic() > self._ready_by:
                    raise VerifyFailed(f"not ready after {_PROVISIONING_SECONDS:.0f} s: {error}") from error
                time.sleep(_PAUSE_SECONDS)
            except errors.ModelError as error:
                self._failures += 1
                if self._failures > _FORGIVEN:
                    raise VerifyFailed(f"the golden rows were not answered: {error}") from error
                time.sleep(_PAUSE_SECONDS * self._failures)
            else:
                return _read(response["Body"].read())


def _read(body: bytes) -> list[tuple[str, float]]:
    try:
        return [(str(answer[0]["label"]), float(answer[0]["score"])) for answer in json.loads(body)]
    except (ValueError, LookupError, TypeError) as error:
        # Not with its words: a server may repeat what it was asked.
        why = f"the golden rows were answered with {len(body)} bytes that hold no labels and scores"
        raise VerifyFailed(f"{why} ({type(error).__name__})") from None

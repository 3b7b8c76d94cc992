"""What a run costs in state transitions, and how its waiting grows, by executing the machine from the template.

Step Functions counts "a state transition each time a step of your workflow is executed", retries included
(https://aws.amazon.com/step-functions/pricing/); a wait costs one however long it is.
"""

from __future__ import annotations

from typing import Any

import pytest

from bench.control_plane import outside_waiting
from tests.stacks.machine import ServiceError
from tests.stacks.story import COMPLETED, DROP, RUN, STOPPED, run
from tests.stacks.synth import Synthesized

SLOW: dict[str, list[Any]] = {
    "settle": [*({"wait_seconds": seconds} for seconds in (60, 45, 30)), {"wait_seconds": 0}],
    "describeEndpoint": [{"EndpointStatus": "Creating"}] * 40 + [{"EndpointStatus": "InService"}],
}
ENDINGS: dict[str, dict[str, Any]] = {
    "promoted": {},
    "promoted after much waiting": SLOW,
    "kept": {"evaluate": [{"verdict": "keep"}]},
    "screened out": {"screen": [{"outcome": "held"}]},
    "approved": {"message": {"reason": "approved", "from": "Redeploy", "run": RUN}},
    "rolled back": {"verify": [ServiceError("VerifyFailed", "golden row 3 differs"), {}]},
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_costs_at_most_30_transitions_outside_settle_and_await(aws: Synthesized, ending: str) -> None:
    given = dict(ENDINGS[ending])
    done = run(aws, given.pop("message", DROP), **given)
    assert outside_waiting(done.states) <= 30


def test_so_does_a_run_that_had_to_train_on_demand(on_demand: Synthesized) -> None:
    done = run(on_demand, createTrainingJob_sync=[STOPPED, COMPLETED])
    assert done.output["verdict"] == "promote"
    assert outside_waiting(done.states) <= 30


def test_an_event_during_a_run_costs_at_most_3_transitions(aws: Synthesized) -> None:
    done = run(aws, claim=[{"outcome": "coalesced"}])
    assert done.states[-1] == "Coalesced"
    assert len(done.states) <= 3


def test_await_asks_less_and_less_often_and_not_for_ever(aws: Synthesized) -> None:
    updating = [{"EndpointStatus": "Updating"}]
    done = run(aws, describeEndpoint=updating * 65 + [{"EndpointStatus": "InService"}])
    assert done.error == "RolledBack"
    waits = done.waits[:65]
    assert waits[:8] == [2, 3, 5, 7, 11, 16, 23, 30]
    assert waits == sorted(waits)
    assert max(waits) == 30
    assert 1_700 < sum(waits) < 1_900, "half an hour"


def test_settle_waits_as_long_as_it_is_told_at_once(aws: Synthesized) -> None:
    done = run(aws, settle=SLOW["settle"])
    assert done.waits[:3] == [60, 45, 30]

"""The stories that are explored, and what the handlers are given in them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from domain import layout
from domain.data.dataset import Source
from domain.settings import Settings
from lambdas.dataset.intake import take_in
from lambdas.environment import Environment
from lambdas.events import reconcile
from lambdas.steps import announce, claim, prepare, promote, redeploy, release, settle, verify
from tests.explorer.champions import BACK, PAST_THE_GATE
from tests.explorer.functions import Handler
from tests.explorer.steps import Story
from tests.stacks.synth import ACCOUNT, PROJECT, REGION


def derive(event: dict[str, Any], _context: object) -> None:
    """The part of Prepare that turns one file into parts."""
    take_in(Environment.read(), [Source.of(event["key"], event["etag"], event["at"])])


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "claim": claim.handler,
        "settle": settle.handler,
        "prepare": prepare.handler,
        "announce": announce.handler,
        "redeploy": redeploy.handler,
        "verify": verify.handler,
        "promote": promote.handler,
        "release": release.handler,
        "reconcile": reconcile.handler,
        "derive": derive,
    }
)
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "PROJECT": PROJECT,
        "BUCKET": layout.bucket(PROJECT, ACCOUNT, REGION),
        "LEDGER": layout.ledger(PROJECT),
        "STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{layout.state_machine(PROJECT)}",
        "TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:{PROJECT}",
        "ENDPOINT": layout.endpoint(PROJECT),
        "SETTINGS": Settings(project=PROJECT).model_dump_json(),
        "CODE_URI": "s3://code/sourcedir.tar.gz",
        "CODE_HASH": "c0de",
        "TRAINING_IMAGE": "training",
        "SERVING_IMAGE": "serving",
        "ENDPOINT_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{PROJECT}",
        "POWERTOOLS_SERVICE_NAME": "explorer",
        "POWERTOOLS_METRICS_NAMESPACE": "explorer",
    }
)
# Too few rows to train on: a run ends with what Prepare says, so all of it is real and nothing has to be made up.
FILES = tuple((f"{layout.LANDING}{name}.csv", f"text,label\nfine {name},good\n".encode()) for name in "abc")

# What `make test` explores, and what `make explore` does. An abort leaves a function that goes on beside Reconcile:
# with two files the calls of all these interleave in more ways than fit in memory, so there functions take turns.
SHORT: Mapping[str, Story] = MappingProxyType(
    {
        "two files, every call": Story(FILES[:2]),
        "three files, every function": Story(FILES, by_call=False),
        "one file, every call, a function killed": Story(FILES[:1], faults=1, kinds=("kill",)),
        "one file, every function, any fault": Story(FILES[:1], faults=1, by_call=False),
        "two files, every function, a function killed": Story(FILES[:2], faults=1, kinds=("kill",), by_call=False),
        "a file and a rollback, every call": Story(FILES[:1], orders=(BACK,)),
        "a file and a rollback, every function": Story(FILES[:1], by_call=False, orders=(BACK,)),
    }
)
LONG: Mapping[str, Story] = MappingProxyType(
    {
        "three files, every call": Story(FILES),
        "one file, every call, any fault": Story(FILES[:1], faults=1),
        "two files, every call, a function killed": Story(FILES[:2], faults=1, kinds=("kill",)),
        "two files, every call, an event lost or repeated": Story(FILES[:2], faults=1, kinds=("repeat", "lose")),
        "three files, every function, a function killed": Story(FILES, faults=1, kinds=("kill",), by_call=False),
        "three files, every function, an event lost or repeated": Story(
            FILES, faults=1, kinds=("repeat", "lose"), by_call=False
        ),
        "two files, every function, any fault": Story(FILES[:2], faults=1, by_call=False),
        "one file, every function, any two faults": Story(FILES[:1], faults=2, by_call=False),
        "a file, a rollback and a promote, every function": Story(
            FILES[:1], orders=(BACK, PAST_THE_GATE), by_call=False
        ),
        "a file and a rollback, every function, any fault": Story(FILES[:1], faults=1, by_call=False, orders=(BACK,)),
        "a file and a rollback, every call, a function killed": Story(
            FILES[:1], faults=1, kinds=("kill",), orders=(BACK,)
        ),
        "a file and a promote, every function, any fault": Story(
            FILES[:1], faults=1, by_call=False, orders=(PAST_THE_GATE,)
        ),
        "a file, a rollback and a promote, every function, any fault": Story(
            FILES[:1], faults=1, by_call=False, orders=(BACK, PAST_THE_GATE)
        ),
    }
)

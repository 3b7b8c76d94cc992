"""Every function, one row each: its handler, its size, and all that it may do.

A row is read by itself. `ledger` says what it may do with which kinds of the ledger's items (`ledger/keys.py`); `may`
is all the rest, in the words of `access.py`. Nothing else gives a function a right.

What parses bytes that come from elsewhere (Prepare files, Screen, Evaluate and Adopt models too) can note what it
found, and move neither the champion nor an approval: compare what the rows `put`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from domain.data import limits
from domain.layout import DATASETS, LANDING, MODELS, QUARANTINE, RELEASED, RUNS
from ledger.keys import (
    ADOPTION,
    ANCHOR,
    APPROVAL,
    ARRIVAL,
    CHAMPION,
    CLAIM,
    CONTENT,
    DATASET,
    EPOCH,
    FAILURES,
    HELD,
    JUDGEMENT,
    MARKER,
    ORDER,
    REQUEST,
    RUN,
    VOUCHED,
)
from stacks.access import Access, Grant
from stacks.bundling import EVALUATE, LIGHT, Package
from stacks.ledger_rights import NONE, LedgerRights

# What AWS gives a new account at most, as users report; its documents give 10,240 MB.
_MOST_MEMORY_MB: Final = 3008


@dataclass(frozen=True, kw_only=True)
class Step:
    """A function: its handler (`<folder>.<file>.<function>` below lambdas), its size, and what it may do.

    A step's name is its file's name; the custom resource has two functions in one file.
    """

    name: str
    handler: str
    memory_mb: int = 256
    timeout_seconds: int
    ledger: LedgerRights = NONE
    may: Callable[[Access], Iterable[Grant]] = lambda _access: ()
    package: Package = LIGHT
    disk_mb: int = 512
    dead_letters: bool = False

    def grants(self, access: Access) -> tuple[Grant, ...]:
        """All that it may do, on the resources that `access` knows."""
        return (*access.ledger(self.ledger), *self.may(access))


# It may end a run: it writes the verdict, and closes what the run answers.
_CONCLUDES: Final = LedgerRights(get=(CHAMPION,), put=(RUN, DATASET), delete=(REQUEST,))
# It looks for what is still to be done.
_FINDS_PENDING: Final = LedgerRights(
    get=(RUN, JUDGEMENT, APPROVAL, DATASET), query=(RUN, ORDER, APPROVAL, REQUEST, HELD, ARRIVAL)
)

STEPS: Final = (
    Step(
        name="claim",
        handler="steps.claim.handler",
        timeout_seconds=30,
        ledger=LedgerRights(get=(CLAIM,), put=(CLAIM,)),
        may=lambda a: (a.look_at_executions(),),
    ),
    Step(
        name="settle",
        handler="steps.settle.handler",
        timeout_seconds=60,
        may=lambda a: (a.list_bucket(),),
    ),
    Step(
        name="prepare",
        handler="steps.prepare.handler",
        memory_mb=limits.PREPARE_MEMORY_MB,
        timeout_seconds=limits.PREPARE_SECONDS,
        disk_mb=limits.PREPARE_DISK_MB,
        ledger=_CONCLUDES
        | LedgerRights(
            get=(CLAIM, RUN, DATASET, EPOCH, MARKER, CONTENT),
            query=(HELD, VOUCHED, REQUEST, ARRIVAL),
            check=(CLAIM,),
            put=(EPOCH, HELD, MARKER, ARRIVAL, CONTENT),
            delete=(HELD, ARRIVAL),
        ),
        may=lambda a: (
            a.list_bucket(),
            a.read(LANDING, DATASETS, MODELS),
            a.write(DATASETS, QUARANTINE),
            a.list_jobs(),
            a.look_at_jobs(),
            a.stop_jobs(),
            a.notify(),
        ),
    ),
    Step(
        name="screen",
        handler="steps.screen.handler",
        package=EVALUATE,
        memory_mb=_MOST_MEMORY_MB,
        timeout_seconds=900,
        disk_mb=4096,
        ledger=_CONCLUDES | LedgerRights(get=(CLAIM, ADOPTION, RUN), query=(VOUCHED,), check=(CLAIM,), put=(HELD,)),
        may=lambda a: (a.list_bucket(), a.read(RELEASED, DATASETS, RUNS), a.put(RUNS)),
    ),
    # Alone with Adopt it writes below released/: what no training job can replace.
    Step(
        name="evaluate",
        handler="steps.evaluate.handler",
        package=EVALUATE,
        memory_mb=_MOST_MEMORY_MB,
        timeout_seconds=900,
        disk_mb=4096,
        ledger=_CONCLUDES
        | LedgerRights(get=(CLAIM, ANCHOR, JUDGEMENT, ADOPTION, RUN), query=(RUN,), check=(CLAIM,), put=(JUDGEMENT,)),
        may=lambda a: (
            a.list_bucket(),
            a.read(MODELS, RELEASED, DATASETS, RUNS),
            a.put(RUNS, RELEASED),
            a.look_at_jobs(),
            a.register(),
            a.look_at_serving_image(),
        ),
    ),
    Step(
        name="adopt",
        handler="steps.adopt.handler",
        package=EVALUATE,
        memory_mb=1024,
        timeout_seconds=900,
        disk_mb=4096,
        ledger=LedgerRights(get=(CLAIM, CHAMPION, ADOPTION), put=(ADOPTION,)),
        may=lambda a: (a.list_bucket(), a.read(MODELS), a.put(RELEASED)),
    ),
    Step(
        name="reject",
        handler="steps.reject.handler",
        timeout_seconds=120,
        ledger=_CONCLUDES | LedgerRights(get=(CLAIM, RUN), check=(CLAIM,), put=(HELD,)),
        may=lambda a: (a.list_bucket(), a.read(DATASETS)),
    ),
    Step(
        name="redeploy",
        handler="steps.redeploy.handler",
        timeout_seconds=120,
        ledger=LedgerRights(
            get=(CLAIM, CHAMPION, JUDGEMENT, ADOPTION, APPROVAL, ORDER, RUN), check=(CLAIM,), put=(RUN,)
        ),
        may=lambda a: (
            a.list_bucket(),
            a.read(RELEASED),
            a.look_at_packages(),
            a.look_at_endpoint(),
            *a.look_at_what_serves(),
            a.change_endpoint(),
            a.remove_endpoint(),
            a.pass_endpoint_role(),
        ),
    ),
    Step(
        name="verify",
        handler="steps.verify.handler",
        # Three minutes until the endpoint is provisioned, three tries of up to 75 s each where it breaks, and a minute
        # of golden rows one by one.
        timeout_seconds=480,
        may=lambda a: (a.list_bucket(), a.read(RUNS), a.look_at_endpoint(), a.ask_endpoint()),
    ),
    Step(
        name="promote",
        handler="steps.promote.handler",
        timeout_seconds=120,
        # It need not look whose the claim is: it writes only while it has it, as a condition of the write.
        ledger=_CONCLUDES
        | LedgerRights(
            get=(JUDGEMENT, APPROVAL, ORDER, RUN),
            check=(CLAIM,),
            put=(CHAMPION, HELD),
            update=(ANCHOR,),
            delete=(APPROVAL, ORDER),
        ),
        may=lambda a: (a.look_at_packages(),),
    ),
    Step(
        name="announce",
        handler="steps.announce.handler",
        timeout_seconds=60,
        ledger=LedgerRights(get=(RUN, MARKER), put=(MARKER,)),
        may=lambda a: (a.put_events(), a.notify()),
    ),
    Step(
        name="release",
        handler="steps.release.handler",
        timeout_seconds=120,
        ledger=_CONCLUDES
        | _FINDS_PENDING
        | LedgerRights(
            get=(CLAIM, ADOPTION, ORDER), query=(ANCHOR, JUDGEMENT, ADOPTION), delete=(CLAIM, APPROVAL, ORDER)
        ),
        may=lambda a: (
            a.list_bucket(),
            a.delete(MODELS, RELEASED),
            a.start_executions(),
            a.list_jobs(),
            a.stop_jobs(),
            a.look_at_endpoint(),
            a.list_hosting(),
            a.end_rehearsal(),
            *a.prune(),
        ),
    ),
    Step(
        name="reconcile",
        handler="events.reconcile.handler",
        timeout_seconds=120,
        dead_letters=True,
        ledger=_CONCLUDES
        | _FINDS_PENDING
        | LedgerRights(
            get=(CLAIM, MARKER, ORDER), put=(CLAIM, MARKER), update=(FAILURES,), delete=(CLAIM, APPROVAL, ORDER)
        ),
        may=lambda a: (
            a.list_bucket(),
            a.start_executions(),
            a.look_at_executions(),
            a.list_jobs(),
            a.stop_jobs(),
            a.notify(),
        ),
    ),
    Step(
        name="observe",
        handler="events.observe.handler",
        timeout_seconds=60,
        dead_letters=True,
        may=lambda a: (a.look_at_jobs(),),
    ),
    Step(name="deploy-on-event", handler="events.deploy.on_event", timeout_seconds=60),
    Step(
        name="deploy-is-complete",
        handler="events.deploy.is_complete",
        timeout_seconds=120,
        ledger=_CONCLUDES | LedgerRights(get=(CLAIM,), query=(RUN,), put=(CLAIM,), delete=(CLAIM, APPROVAL)),
        may=lambda a: (
            a.start_executions(),
            a.look_at_executions(),
            a.list_executions(),
            a.stop_executions(),
            a.list_jobs(),
            a.stop_jobs(),
            a.look_at_endpoint(),
            a.remove_endpoint(),
            a.list_hosting(),
            *a.prune(),
            *a.remove_packages(),
            a.list_packages(),
        ),
    ),
    Step(
        name="approve",
        handler="events.approve.handler",
        timeout_seconds=60,
        dead_letters=True,
        ledger=_CONCLUDES | LedgerRights(get=(JUDGEMENT, RUN), put=(APPROVAL,), delete=(APPROVAL,)),
        may=lambda a: (a.look_at_packages(), a.start_executions()),
    ),
)

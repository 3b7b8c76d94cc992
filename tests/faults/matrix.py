"""Plays one case and looks at what must hold whatever went wrong."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from domain import layout
from domain.data.dataset import current, listed
from domain.state import Run
from ledger.arrivals import arrived
from tests.e2e.driver import Pipeline
from tests.faults.acts import act
from tests.faults.asking import QUESTIONS, Client
from tests.faults.case import Case, Result
from tests.faults.rig import MOMENT, PROJECT, Rig

_BROKEN = ("FAILED", "ABORTED", "TIMED_OUT")
_TELL_SECONDS = 30


@dataclass
class _Seen:
    """What a case left behind."""

    run: Run | None = None
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)


def play(rig: Rig, case: Case) -> Result:
    """Do what the case says to a rig that was restored, and judge what came of it."""
    pipeline, began = rig.pipeline, time.monotonic()
    rig.restore(first=case.first)
    rig.lay_out(case.order)
    before, champion = pipeline.all_executions(), pipeline.ledger.champion()
    rig.play(case.train, case.training, serve=case.serve, spare=["seed", *([champion.run] if champion else [])])
    client = Client(pipeline)
    if champion:
        with client:
            seen = _disturb(rig, case, before)
    else:
        seen = _disturb(rig, case, before)
    broken = [*client.wrong[:1], *_lost(pipeline), *_left(pipeline), *_live(pipeline, case), *_told(case, seen)]
    broken += _ordered(pipeline, case, seen)
    verdict = (seen.run.verdict or "open") if seen.run else "none"
    if verdict != case.verdict:
        broken.append(f"ended {verdict!r}: {seen.run.sentence if seen.run else 'there is no run'}")
    if (case.rules and not seen.fired) or (case.serve and not (rig.control / "served").exists()):
        broken.append("the fault never happened")
    return Result(case, _story(seen), verdict, client.answers, round(time.monotonic() - began, 1), tuple(broken))


def _disturb(rig: Rig, case: Case, before: dict[str, dict[str, Any]]) -> _Seen:
    pipeline = rig.pipeline
    known = {run.run for run in pipeline.ledger.runs()}
    pipeline.cloud.faults(case.rules)
    if case.order:
        rig.order(case.order)
    else:
        rig.drop()
    act(rig, case.act)
    if any(rule.get("caller") == "events" for rule in case.rules):
        # An event may be on its way for longer than a moment, and nothing of it shows.
        pipeline.until("the fault", pipeline.cloud.went_wrong, pause=0.05)
    pipeline.rest(MOMENT)
    fired = pipeline.cloud.went_wrong()
    pipeline.cloud.faults([])
    pipeline.start({"reason": "sweep", "from": "Settle"})
    pipeline.rest(MOMENT)
    new = [run for run in pipeline.ledger.runs() if run.run not in known]
    executions = {arn: found for arn, found in pipeline.all_executions().items() if arn not in before}
    return _Seen(new[-1] if new else None, executions, _heard(pipeline, executions), fired)


def _heard(pipeline: Pipeline, executions: dict[str, dict[str, Any]]) -> list[str]:
    """All notifications, once there is one of each failure: Reconcile may still be at it when the machine rests."""
    said: list[str] = []
    failed = [arn for arn, found in executions.items() if found["status"] in _BROKEN]
    deadline = time.monotonic() + _TELL_SECONDS
    while True:
        said += pipeline.notifications()
        if all(any(arn in message for message in said) for arn in failed) or time.monotonic() > deadline:
            return said
        time.sleep(0.2)


def _lost(pipeline: Pipeline) -> list[str]:
    """Landed files that nothing has concluded."""
    s3 = pipeline.client("s3")
    landed = s3.get_paginator("list_objects_v2").paginate(Bucket=pipeline.bucket, Prefix=layout.LANDING)
    sources = current(arrived(listed(landed), pipeline.ledger.arrivals.all()), pipeline.ledger.held())
    dataset = layout.dataset_id(1, [source.source for source in sources])
    if sources and not pipeline.ledger.conclusion(dataset):
        return [f"lost: nothing concluded {[source.key for source in sources]}"]
    open_ones = (pipeline.ledger.requests(), pipeline.ledger.orders.open())
    return [f"lost requests: {found}" for found in open_ones if found]


def _left(pipeline: Pipeline) -> list[str]:
    """Jobs that run, claims, endpoints, configs and models that nobody needs."""
    sagemaker, broken = pipeline.client("sagemaker"), []
    jobs = [*pipeline.jobs("InProgress"), *pipeline.jobs("Stopping")]
    if jobs:
        broken.append(f"left behind: jobs {jobs}")
    if pipeline.ledger.claimed_by():
        broken.append(f"left behind: the claim of {pipeline.ledger.claimed_by()}")
    endpoints = [item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]]
    if set(endpoints) - {PROJECT}:
        broken.append(f"left behind: endpoints {endpoints}")
    champion = pipeline.ledger.champion()
    # What the pipeline keeps so that going back needs nothing new: the live model and the two before it.
    kept = {champion.run, *champion.before} if champion else set()
    configs = [item["EndpointConfigName"] for item in sagemaker.list_endpoint_configs()["EndpointConfigs"]]
    models = [item["ModelName"] for item in sagemaker.list_models()["Models"]]
    for kind, names in (("configs", configs), ("models", models)):
        stray = [name for name in names if layout.deployed_run(PROJECT, name) not in kept]
        if stray:
            broken.append(f"left behind: {kind} {stray}")
    return broken


def _live(pipeline: Pipeline, case: Case) -> list[str]:
    """Whether the promoted model is what is live, or nothing is where none was promoted."""
    champion, endpoint = pipeline.ledger.champion(), pipeline.endpoint()
    if champion is None or endpoint is None:
        return [] if champion is None and endpoint is None else [f"live: {endpoint}, promoted: {champion}"]
    run = layout.deployed_run(PROJECT, endpoint["EndpointConfigName"])
    broken = [] if run == champion.run else [f"live is {run}, promoted was {champion.run}"]
    if endpoint["EndpointStatus"] != "InService":
        broken.append(f"the endpoint is {endpoint['EndpointStatus']}")
    wrong = [text for text, label in QUESTIONS.items() if pipeline.predict(text) != label]
    return broken + [f"the promoted model answers {wrong} wrongly" for _ in wrong[:1]]


def _ordered(pipeline: Pipeline, case: Case, seen: _Seen) -> list[str]:
    """Whether what was ordered is live, or else what was live before; and that it alone came of the order."""
    champion = pipeline.ledger.champion()
    if not case.order or champion is None or seen.run is None:
        return []
    done = seen.run.verdict in ("promote", "restored")
    if done != (champion.run == seen.run.makes_live):
        return [f"ordered was {seen.run.makes_live}, and the champion is {champion.run}"]
    return [] if champion.version == seen.run.champion_version + done else [f"it moved to {champion.version}"]


def _told(case: Case, seen: _Seen) -> list[str]:
    """Whether a person heard of each failure once, of how the run ended once, and in the words that the case names."""
    broken = []
    failed = [arn for arn, found in seen.executions.items() if found["status"] in _BROKEN]
    most = 2 if case.told_twice else 1
    for arn in failed:
        heard = sum(arn in message for message in seen.said)
        if not 1 <= heard <= most:
            broken.append(f"told {heard} times of the failure of {arn.rsplit(':', 1)[-1]}")
    if len(failed) != case.failures:
        why = [message.partition("\n")[0] for arn in failed for message in seen.said if arn in message]
        broken.append(f"{len(failed)} executions failed instead of {case.failures}: {'; '.join(why)}")
    if seen.run and seen.run.verdict in ("promote", "restored", "keep", "reject"):
        heard = sum(f"Run {seen.run.run} (started" in message for message in seen.said)
        if not 1 <= heard <= most:
            broken.append(f"told {heard} times how run {seen.run.run} ended")
    if case.words and not any(re.search(case.words, message) for message in seen.said):
        broken.append(f"nobody was told {case.words!r}, but {seen.said}")
    return broken


def _story(seen: _Seen) -> str:
    """What happened, from what was seen."""
    ended = [found["status"] for found in seen.executions.values()]
    bad = sum(ended.count(status) for status in _BROKEN)
    faults = f"{_many(len(seen.fired), 'fault')}; " if seen.fired else ""
    failures = f"{bad} failed and told of; " if bad else ""
    return f"{faults}{_many(len(ended), 'execution')}; {failures}{seen.run.sentence if seen.run else 'no run'}"[:160]


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s'[: number != 1]}"

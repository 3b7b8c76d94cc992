"""Prepare: what is new or changed in landing becomes parts, a dataset version, and a run to train, or none."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from domain import hyperparameters, layout
from domain.data.dataset import Source, Version, holds_for
from domain.errors import LandingMoved
from domain.explain import explain_rejected
from domain.messages import Prepared, PrepareStep
from domain.state import Run
from lambdas.dataset.contract import contract_in_force
from lambdas.dataset.enough import labels, rare_labels, too_little
from lambdas.dataset.epoch import check_epoch
from lambdas.dataset.fold import Fold
from lambdas.dataset.intake import take_in
from lambdas.dataset.label_changes import label_changes, tell
from lambdas.dataset.notices import tell_notices, tell_schema
from lambdas.dataset.parts import Report, ensure_derived, is_admitted_now
from lambdas.dataset.pending import current_dataset, current_sources, known
from lambdas.dataset.renamed_labels import renamed
from lambdas.environment import Environment, timestamp
from lambdas.model.jobs import finished, next_job
from lambdas.notify import notify
from lambdas.storage import landed, read_version, write_json
from lambdas.telemetry import logger

# Landing may change under our eyes; after so many surprises in a row the execution fails and is reported.
_LOOKS = 5
# In one mail; SNS takes 256 KB.
_MOST_TOLD = 100


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """The run to train, or why there is none. Raises Superseded, EpochChanged, LandingMoved, JobStillStopping."""
    step, env = PrepareStep.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    check_epoch(env)
    sources, reports = _derive_all(env)
    tell_notices(env, reports.values())
    tell_schema(env)
    requests = sorted(env.ledger.requests())
    # What is concluded is what landed: which of its labels are set aside, only Prepare knows.
    landed_id = current_dataset(env, sources)
    if requests and not sources:
        nothing = "Not trained: there is no usable file in landing."
        ended = replace(_run(env, step, landed_id, landed_id, requests), verdict="no-data", sentence=nothing)
        env.ledger.conclude(ended, step.execution)
    if not sources or (env.ledger.conclusion(landed_id) and not requests):
        return Prepared(outcome="nothing_new").to_payload()
    fold = Fold(env, sources, reports)
    version = _write_version(fold, rare_labels(fold, env.settings.data.min_label_rows))
    run = _run(env, step, version.dataset, landed_id, requests)
    refusal = too_little(version, fold, env.settings)
    if refusal:
        refused = replace(env.ledger.start_run(run), verdict="too-few-rows", sentence=refusal)
        env.ledger.conclude(refused, step.execution)
        return Prepared(outcome="refused", run=run.run).to_payload()
    # Deriving takes minutes. If this execution was aborted meanwhile, a job that runs is its successor's: not to be
    # stopped.
    env.ledger.require_claim(step.execution)
    # Asked before the run is on record: while a job is stopping, landing may move on and this run never be.
    done = finished(env, run.run)
    run = env.ledger.start_run(replace(run, labels=label_changes(env, version)))
    tell(env, run)
    return _training(env, run, version, done).to_payload()


def _run(env: Environment, step: PrepareStep, dataset: str, landed_id: str, requests: list[str]) -> Run:
    return Run(
        run=layout.run_id(
            dataset,
            env.code_hash,
            env.training_image,
            _hyperparameters(env),
            requests,
            machines=(env.settings.training.instance_type, env.settings.training.instance_count),
        ),
        dataset=dataset,
        epoch=env.settings.data.epoch,
        execution=step.execution,
        reason=step.reason,
        started=timestamp(),
        requests=tuple(requests),
        landed=landed_id,
    )


def _derive_all(env: Environment) -> tuple[list[Source], dict[str, Report]]:
    """The dataset in fold order and its reports. What cannot be used is held, and the rest goes on without it."""
    missing = set[Source]()
    for look in range(1, _LOOKS + 1):
        # One listing for all of it: what lands after this is found by Release.
        landing = landed(env)
        _reconsider(env, known(env, landing))
        try:
            reports = take_in(env, landing, missing)
            reports |= renamed(env, known(env, landing), reports)
            read = [(one, reports[one.source]) for one in known(env, landing) if one.source in reports]
            rejected = {one: report.error for one, report in read if report.error}
            if rejected:
                _hold_rejected(env, rejected, reports)
            sources = current_sources(env, landing)
            # The accepted predecessor that stands in for a rejected overwrite was derived when it was accepted.
            others = [source for source in sources if source.source not in reports]
            return sources, reports | {source.source: ensure_derived(env, source) for source in others}
        except LandingMoved as moved:
            missing.add(moved.source)
            logger().info("Landing is looked at again", extra={"why": str(moved)})
            if look == _LOOKS:
                raise
    raise AssertionError("unreachable: the last look returns or raises")


def _reconsider(env: Environment, landing: list[Source]) -> None:
    """Take back in what was held for its share of broken rows, where `data.max_rejected_fraction` was raised since."""
    held = env.ledger.held()
    for source in landing:
        hold = held.get(source.source)
        if hold and not hold.run and not hold.again and is_admitted_now(env, source):
            env.ledger.unhold(source.source)


def _hold_rejected(env: Environment, rejected: dict[Source, str], reports: dict[str, Report]) -> None:
    """Set files aside that cannot be used, each with the reason, and tell of all of them at once."""
    champion = env.ledger.champion()
    accepted: tuple[Source, ...] = ()
    if champion and champion.epoch == env.settings.data.epoch:
        accepted = read_version(env, champion.epoch, champion.dataset).sources
    for source, error in rejected.items():
        logger().warning("File rejected", extra={"key": source.key, "reason": error})
    subject, message = explain_rejected(env.project, [(source.key, error) for source, error in rejected.items()])
    notify(env, subject, message)
    # Held after publishing: killed in between, a person hears twice rather than never.
    for source, error in rejected.items():
        again = reports[source.source].again
        why = error if again else f"rejected whole: {error}"
        for hold in holds_for(None, why, env.settings.data.epoch, [source], accepted):
            env.ledger.hold(replace(hold, again=again))


def _write_version(fold: Fold, set_aside: Collection[str]) -> Version:
    env = fold.env
    epoch = env.settings.data.epoch
    rows = {source.source: fold.reports[source.source].rows for source in fold.sources}
    contract = contract_in_force(env)
    schema = contract.types if contract else None
    target = env.settings.data.label if schema else None
    version = Version.of(epoch, fold.sources, rows, labels(fold), set_aside, schema, target)
    for split in ("train", "validation"):
        manifest = version.channel_manifest(env.bucket, split)
        write_json(env, layout.version(epoch, version.dataset, f"{split}.manifest"), manifest)
    write_json(env, layout.version(epoch, version.dataset, "dataset.manifest"), version.dataset_manifest(env.bucket))
    write_json(env, layout.version(epoch, version.dataset, "manifest.json"), version.to_json())
    return version


def _hyperparameters(env: Environment) -> dict[str, str]:
    training = env.settings.training
    return hyperparameters.of_run(
        env.settings.task,
        training.hyperparameters.model_dump(),
        base_model=training.base_model,
        base_revision=training.base_revision,
        features=env.settings.data.features,
    )


def _training(env: Environment, run: Run, version: Version, done: tuple[str, str] | None) -> Prepared:
    def uri(key: str) -> str:
        return layout.s3_uri(env.bucket, key)

    def manifest(channel: str) -> str:
        return uri(layout.version(version.epoch, version.dataset, f"{channel}.manifest"))

    job, artifact = done or (next_job(env, run.run, run.attempt), None)
    script = {
        "sagemaker_program": "training/train.py",
        "sagemaker_submit_directory": env.code_uri,
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": job,
        "sagemaker_region": env.client("s3").meta.region_name,
        "run_id": run.run,
        "dataset_id": version.dataset,
    }
    return Prepared(
        outcome="evaluate" if done else "train",
        run=run.run,
        job=job,
        hyperparameters=_hyperparameters(env) | {name: json.dumps(value) for name, value in script.items()},
        train_manifest=manifest("train"),
        validation_manifest=manifest("validation"),
        dataset_manifest=manifest("dataset"),
        checkpoints=uri(layout.checkpoints(run.run)),
        output=uri(layout.MODELS),
        artifact=artifact,
    )

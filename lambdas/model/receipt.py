"""The receipt: one page that says what a run was made of, how it was judged, and what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from domain import hyperparameters
from domain.artifact import METRICS
from domain.data.dataset import Version
from domain.gate.types import Decision
from domain.layout import part_report, run_file
from domain.prices import training_usd
from domain.state import Champion, Run
from lambdas.environment import Environment, timestamp
from lambdas.storage import read_json


def receipt(
    env: Environment, run: Run, version: Version, job: str, decision: Decision, champion: Champion | None, *, looks: int
) -> dict[str, object]:
    """The receipt of a judged run, JSON-ready. Times in seconds, money in US dollars.

    `looks`: candidates judged on these held-out rows so far.
    """
    reports = [read_json(env, part_report(version.epoch, source.source)) for source in version.sources]
    return {
        "run": run.run,
        "reason": run.reason,
        "execution": run.execution,
        "started": run.started,
        "judged": timestamp(),
        "verdict": decision.verdict,
        "sentence": decision.sentence,
        "data": {
            **version.to_json(),
            "rows": {split: version.count(split) for split in ("train", "validation", "test")},
            "rejected": sum(report["rejected"] for report in reports),
            "rejected_by_rule": _rules(reports),
            "label_changes": run.labels,
            "rejected_by_file": {report["key"]: report["rejected"] for report in reports if report["rejected"]},
        },
        "code": {"sha256": env.code_hash, "image": env.training_image},
        "training": _training(env, job) | _measured(env, run),
        "artifact": run.artifact,
        "champion": asdict(champion) if champion else None,
        "gate": {"policy": env.settings.gate.model_dump(), "looks": looks, **decision.to_json()},
    }


def _rules(reports: list[dict[str, Any]]) -> dict[str, int]:
    """Rejected rows by the rule that they break; reports of an earlier release do not say."""
    total = Counter[str]()
    for report in reports:
        total.update(report.get("rules", {}))
    return dict(total.most_common())


def _measured(env: Environment, run: Run) -> dict[str, Any]:
    """What the job measured for people, where it did."""
    metrics: dict[str, Any] = read_json(env, run_file(run.run, METRICS)) or {}
    return {"curves": [], **{name: metrics[name] for name in ("curves", "importances") if name in metrics}}


def _training(env: Environment, job: str) -> dict[str, Any]:
    described = env.client("sagemaker").describe_training_job(TrainingJobName=job)
    trained, billed = described.get("TrainingTimeInSeconds", 0), described.get("BillableTimeInSeconds", 0)
    instance, instances = (described["ResourceConfig"][name] for name in ("InstanceType", "InstanceCount"))
    return {
        "job": job,
        "instance": instance,
        "instances": instances,
        "spot": described.get("EnableManagedSpotTraining", False),
        "seconds": trained,
        "billed_seconds": billed,
        # Savings as AWS defines them: the part of the training time that is not billed.
        "spot_savings_percent": round(100 * (1 - billed / trained), 1) if trained else 0.0,
        # Billable time is wall-clock time: each instance is billed for it (DescribeTrainingJob).
        "estimated_usd": training_usd(instance, billed * instances),
        "hyperparameters": hyperparameters.readable(described["HyperParameters"]),
        "metrics": {metric["MetricName"]: metric["Value"] for metric in described.get("FinalMetricDataList", [])},
    }

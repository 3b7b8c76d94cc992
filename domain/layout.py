"""The one author of names: S3 keys, SageMaker names, ledger and machine names. Pure string building.

Everything below `datasets/`, `models/`, `released/` and `runs/` is immutable once written; its key says what it is
made of. But training jobs may write all of `models/`: only below `released/` is that more than a custom.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

SPLITS: Final = ("train", "validation", "test")
LANDING: Final = "landing/"
# No file is dropped under this name: S3 says of it that it is not there, to whoever may read landing.
NOBODY_S: Final = "landing/.may-it-be-read/"
BASE: Final = "base/"
DATASETS: Final = "datasets/"
QUARANTINE: Final = "quarantine/"
MODELS: Final = "models/"
RELEASED: Final = "released/"
CHECKPOINTS: Final = "checkpoints/"
RUNS: Final = "runs/"

VARIANT: Final = "AllTraffic"
EVENT_SOURCE: Final = "automate-mlops"


def digest(value: object, length: int = 12) -> str:
    """First `length` hex digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def s3_uri(bucket: str, key: str) -> str:
    """`s3://bucket/key`."""
    return f"s3://{bucket}/{key}"


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key) of an `s3://bucket/key` URI. Raises ValueError on anything else."""
    match = re.fullmatch(r"s3://([^/]+)/(.*)", uri)
    if not match:
        raise ValueError(f"not an s3://bucket/key URI: {uri!r}")
    return match[1], match[2]


# ---- account-wide names -----------------------------------------------------


def bucket(project: str, account: str, region: str) -> str:
    """Name of the data bucket: deterministic, so that a later deploy takes it up again."""
    return f"{project}-data-{account}-{region}"


def ledger(project: str) -> str:
    """Name of the DynamoDB table of the facts that change."""
    return f"{project}-ledger"


def metric_namespace(project: str) -> str:
    """CloudWatch namespace of the metrics that the functions emit; their only dimension is service={project}."""
    return f"AutomateMlops/{project}"


def state_machine(project: str) -> str:
    """Name of the state machine."""
    return f"{project}-pipeline"


def function(project: str, step: str) -> str:
    """Name of the Lambda function of a step; `step` is the handler's file name."""
    return f"{project}-{step}"


def endpoint(project: str) -> str:
    """Name of the Serverless endpoint."""
    return project


def rehearsal(project: str) -> str:
    """Name of the endpoint that a candidate answers on before it may go live."""
    return f"{project}-rehearsal"


def package_group(project: str) -> str:
    """Name of the ModelPackageGroup whose versions are the candidates."""
    return project


# ---- executions: a name says what the execution follows from, so that a start that is repeated starts no second ----


def execution(machine: str, name: str) -> str:
    """ARN of the execution `name` of the state machine with the ARN `machine`."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def execution_after(execution: str) -> str:
    """Name of the execution that does what is due after the one with the ARN `execution`."""
    return f"after-{digest(execution)}"


def execution_instead_of(execution: str) -> str:
    """Name of the execution that takes over what the broken one with the ARN `execution` left."""
    return f"reconcile-{digest(execution)}"


def execution_for_approval(run: str, champion_version: int) -> str:
    """Name of the execution that deploys an approved run, judged beside the champion of that version."""
    return f"approved-{run}-{champion_version}"


def execution_for_deploy(request: str, attempt: int) -> str:
    """Name of the execution that converges the endpoint for a request of CloudFormation, at an attempt from 0 on."""
    return f"deploy-{digest(request)}-{attempt}"


def execution_for_request(request: str) -> str:
    """Name of the execution that answers a person's request, by its id in the ledger."""
    return f"request-{request}"


def execution_for_order(order: str) -> str:
    """Name of the execution that carries out a person's order, by its id in the ledger."""
    return f"order-{order}"


# ---- data --------------------------------------------------------------------


def is_landing(key: str, size: int = 0) -> bool:
    """Whether an object is a dropped file. A folder marker is none: it is empty and its key ends in a slash."""
    return key.startswith(LANDING) and (size > 0 or not key.endswith("/"))


def source_id(key: str, etag: str) -> str:
    """Identity of one content of one landing key, 16 hex digits."""
    return digest([key, etag.strip('"')], 16)


def epoch_prefix(epoch: int) -> str:
    """Everything derived under one split epoch."""
    return f"{DATASETS}e{epoch}/"


def part(epoch: int, split: str, source: str) -> str:
    """Rows of one source that fall into one split, gzipped JSON lines."""
    return f"{epoch_prefix(epoch)}parts/{split}/{source}.jsonl.gz"


def test_ids(epoch: int, source: str) -> str:
    """Ids of the test rows of one source, one per line, gzipped: training leaves out any it meets."""
    return f"{epoch_prefix(epoch)}parts/ids/{source}.txt.gz"


def part_report(epoch: int, source: str) -> str:
    """What became of one source. Written last: a part without a report does not exist."""
    return f"{epoch_prefix(epoch)}parts/reports/{source}.json"


def version(epoch: int, dataset: str, name: str) -> str:
    """A file of a dataset version: `manifest.json` or `<channel>.manifest`."""
    return f"{epoch_prefix(epoch)}versions/{dataset}/{name}"


def of_any_version(kind: str) -> str:
    """Prefix, as IAM's policies have it, of the parts of one kind ("train", "ids", …), or of the manifests, "versions".

    Of all epochs: the number may be raised while a job of the one before still runs.
    """
    return f"{DATASETS}e*/{kind if kind == 'versions' else f'parts/{kind}'}/"


def quarantine(source: str) -> str:
    """Rejected rows of one source, each with its line number and reason."""
    return f"{QUARANTINE}{source}.jsonl"


def dataset_id(epoch: int, sources: list[str], set_aside: Sequence[str] = ()) -> str:
    """Identity of a dataset: its epoch, its sources in fold order, and the labels whose rows are set aside, if any."""
    return digest([epoch, sources, *([sorted(set_aside)] if set_aside else [])])


# ---- runs --------------------------------------------------------------------


def run_id(
    dataset: str,
    code: str,
    image: str,
    hyperparameters: dict[str, str],
    requests: list[str],
    *,
    machines: tuple[str, int],
) -> str:
    """Identity of a run, 12 hex digits: the same run asked for twice is one run.

    `hyperparameters` include the base model and its revision; `requests` are the forced retrains it answers; `machines`
    are the instances' type and count, since a checkpoint continues only on as many processes of the same kind.
    """
    return digest([dataset, code, image, hyperparameters, sorted(requests), list(machines)])


def training_job(project: str, run: str, attempt: int) -> str:
    """Name of a training job; letters, digits and hyphens, under 63 characters with the machine's suffix."""
    return f"{project}-{run}-{attempt}"


def of_any_run(project: str) -> str:
    """Pattern, as IAM's policies have it, of the names of all runs' jobs, models and configs in a project.

    The run's 12 characters are spelled out: `shop-*` would be the names of a project `shop-eu` too.
    """
    return f"{project}-{'?' * 12}-*"


def trained_run(project: str, name: str) -> str | None:
    """The run that a training job is of; None for another project's, whose name may contain this one's."""
    match = re.fullmatch(rf"{re.escape(project)}-([0-9a-f]{{12}})-\d+(-[a-z0-9-]+)?", name)
    return match and match[1]


def checkpoints(run: str) -> str:
    """Prefix of a run's checkpoints; never shared between runs."""
    return f"{CHECKPOINTS}{run}/"


def run_file(run: str, name: str) -> str:
    """A file of a run: `receipt.json`, `predictions.jsonl.gz`, `golden.json`."""
    return f"{RUNS}{run}/{name}"


def released(archive: str) -> str:
    """Where an archive lies that was judged; `archive` is its SHA-256, so the key says what must be found there."""
    return f"{RELEASED}{archive}/model.tar.gz"


def released_archive(key: str) -> str | None:
    """The SHA-256 (64 hex digits) that a key says of its archive; None for a key of another kind."""
    match = re.fullmatch(rf"{RELEASED}([0-9a-f]{{64}})/model\.tar\.gz", key)
    return match and match[1]


def deployment(project: str, run: str, archive: str, manifest: str, image: str) -> str:
    """Name of a SageMaker Model: its run, the first 12 digits of its archive's SHA-256, and what else it is made of.

    Models are immutable. `manifest` is the SHA-256 of manifest.json, which the server is told.
    """
    return f"{project}-{run}-{archive[:12]}{digest([archive, manifest, image], 8)}"


def deployed_run(project: str, name: str) -> str | None:
    """The run of a Model or EndpointConfig of this project; None for a name of another project's.

    Names of earlier releases have no digits of the archive: they are known, so that they can be pruned.
    """
    made_of = r"(?:[0-9a-f]{8}|[0-9a-f]{20})"
    match = re.fullmatch(rf"{re.escape(project)}-([0-9a-f]{{12}})-{made_of}(-[0-9a-f]{{6}})?", name)
    return match[1] if match else None


def endpoint_config(model: str, serverless: dict[str, int]) -> str:
    """Name of an EndpointConfig: its model and its serverless settings (configs are immutable)."""
    return f"{model}-{digest(serverless, 6)}"

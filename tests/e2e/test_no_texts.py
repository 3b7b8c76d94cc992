"""No text of users where it does not belong: a word that stands in every row is looked for everywhere afterwards.

It is in rows that are used, in rows and files that are not, in requests, in a run that is rolled back for its answers,
and in a training job that fails. Another word is in the labels of a file whose columns are mixed up.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from domain import layout
from local.cloud import ACCOUNT, REGION
from ops.deployment import Deployment
from ops.retrain import request_run
from tests.e2e import places
from tests.e2e.conftest import wipe
from tests.e2e.driver import Pipeline
from tests.e2e.material import as_csv, reviews
from tests.e2e.places import Place

WORD = "xylocanary"
# In labels that are none. Labels lie in manifests and reports, but are not told.
LONG_LABEL = "labelcanary"
LABEL = "positive"
# A file's name is told: so this finds what the search can find.
FILE = "telltale"

BELONGS = re.compile(
    rf"{layout.LANDING}|{layout.QUARANTINE}|{layout.DATASETS}e1/parts/({'|'.join(layout.SPLITS)})/"
    rf"|{layout.RUNS}[0-9a-f]{{12}}/golden\.json$"
)
"""Where rows lie by design, all of it in the project's own bucket (docs/security.md)."""

REQUESTS = [
    ("application/json", f'{{"inputs": "{WORD}'),
    ("application/json", f'{{"inputs": ["{WORD}", 5]}}'),
    ("application/json", f'{{"inputs": "{WORD}", "{WORD}": 1}}'),
    ("application/json", f'{{"inputs": "{WORD}", "parameters": {{"top_k": "{WORD}"}}}}'),
    ("application/json", f'{{"inputs": "{WORD} \\ud800"}}'),
    ("application/json", json.dumps({"inputs": [WORD] * 300})),
    ("application/jsonlines", f'{{"text": "{WORD}"'),
    ("text/csv", f'"{WORD}'),
    ("text/csv", f"{WORD},{WORD}\n{WORD}"),
    ("text/plain", f"{WORD} \udcff"),
    (f"text/{WORD}", WORD),
]
"""(content type, body) of requests that cannot be answered."""


def texts(rows: int, seed: int) -> list[tuple[str, str]]:
    return [(f"{text} {WORD}", label) for text, label in reviews(rows, seed)]


def unusable() -> dict[str, bytes]:
    """Files that cannot be used, each for a reason of its own."""
    rows = texts(30, 9)
    body = as_csv(rows)
    lines = "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows)
    return {
        "headerless.csv": body.split(b"\r\n", 1)[1],
        "text as a column.csv": f"{WORD} {WORD};label\na;b\n".encode(),
        "twice.csv": f"text,label,text\n{WORD},a,{WORD}\n".encode(),
        "ragged.csv": body.replace(WORD.encode(), f"{WORD},{WORD}".encode()),
        "never closed.csv": body.replace(b"\r\n", b'\r\n"', 1),
        "latin-1.csv": body + f"{WORD} naïve,a\n".encode("latin-1"),
        "utf-16.csv": b"\xff\xfe" + body.decode().encode("utf-16-le")[:-1],
        "half.json": f"[{lines.replace(chr(10), ',')}".encode(),
        "more.json": f"[{lines.replace(chr(10), ',')}] {WORD}".encode(),
        "broken.jsonl": lines.replace("}", "").encode(),
        "texts.jsonl": "\n".join(json.dumps(text) for text, _ in rows).encode(),
        "marks.jsonl": "\n".join(json.dumps({"text": f"{text}\0", "label": "a"}) for text, _ in rows).encode(),
        "surrogates.jsonl": "\n".join(f'{{"text": "{text} \\ud800", "label": "a"}}' for text, _ in rows).encode(),
        "half.csv.gz": gzip.compress(body * 50)[:-9],
        "no gzip.csv.gz": body,
        "reviews.parquet": body,
    }


@dataclass(frozen=True)
class Evidence:
    """All that was said while the story was played: mails, and what lies in queues, every event of the bus among it."""

    pipeline: Pipeline
    mails: list[str]
    queues: list[Place]


@pytest.fixture(scope="module")
def evidence(deployed: Pipeline) -> Iterator[Evidence]:
    _hear_all_events(deployed)
    mails = [*_rolled_back(deployed), *_used(deployed), *_refused(deployed), *_failed(deployed)]
    yield Evidence(deployed, mails, list(places.queues(deployed)))
    deployed.cloud.faults([])
    wipe(deployed)


def _hear_all_events(pipeline: Pipeline) -> None:
    """Into a queue."""
    pipeline.client("sqs").create_queue(QueueName="events")
    events = pipeline.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"account": [ACCOUNT]}))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"}
    assert not events.put_targets(Rule="all", Targets=[target])["FailedEntryCount"]


def _rolled_back(pipeline: Pipeline) -> list[str]:
    """Rows that are used beside rows that are not, and a model whose golden rows get other answers than it gave."""
    wrong = json.dumps([[{"label": "neither", "score": 1.0}]])
    rule = {"do": "answer", "caller": "verify", "operation": "sagemaker:InvokeEndpoint", "body": wrong, "times": 0}
    pipeline.cloud.faults([rule])
    rows = [json.dumps({"text": text, "label": label}) for text, label in texts(400, 4)]
    rows[2] = f'{{"text": "{WORD} half a row'
    rows[5] = json.dumps({"text": f"{WORD} " * 3_000, "label": LABEL})
    rows[7] = json.dumps({"text": f"{WORD} has no label"})
    rows[9] = json.dumps([WORD])
    rows[11] = json.dumps({"text": {WORD: WORD}, "label": LABEL})
    pipeline.drop(f"{FILE}.jsonl", "\n".join(rows).encode())
    run = pipeline.concluded("gave-up")
    assert "golden rows differ" in str(run.sentence)
    pipeline.cloud.faults([])
    return pipeline.notifications()


def _used(pipeline: Pipeline) -> list[str]:
    """A model that goes live, and requests that it cannot answer."""
    pipeline.drop(f"{FILE} 2.csv", as_csv(texts(400, 5)))
    pipeline.concluded("promote", runs=2)
    assert pipeline.predict(f"superb warm lovely {WORD}") == LABEL
    runtime = pipeline.client("sagemaker-runtime")
    for kind, body in REQUESTS:
        with pytest.raises(ClientError, match="ModelError"):
            runtime.invoke_endpoint(
                EndpointName=pipeline.project, ContentType=kind, Body=body.encode("utf-8", "surrogateescape")
            )
    return pipeline.notifications()


def _refused(pipeline: Pipeline) -> list[str]:
    """Files that cannot be used, dropped together; and one whose columns are mixed up: each text is a label."""
    files = {f"{FILE} {name}": body for name, body in unusable().items()}
    for name, body in files.items():
        pipeline.drop(name, body)
    pipeline.until("all of them held", lambda: len(pipeline.ledger.held()) == len(files))
    pipeline.rest()
    mails = pipeline.notifications()
    swapped = [(label, f"{text} {LONG_LABEL} {'and on ' * 9}") for text, label in reviews(30, 9)]
    pipeline.drop(f"{FILE} swapped.csv", as_csv(swapped))
    pipeline.until("a third run", lambda: len([run for run in pipeline.ledger.runs() if run.verdict]) == 3)
    pipeline.rest()
    return mails + pipeline.notifications()


def _failed(pipeline: Pipeline) -> list[str]:
    """A training job that dies of rows which are not what it expects, by an error that nobody foresaw."""
    prefix = f"{layout.DATASETS}e1/parts/train/"
    key = next(key for key in pipeline.keys(prefix))
    s3 = pipeline.client("s3")
    rows = gzip.decompress(s3.get_object(Bucket=pipeline.bucket, Key=key)["Body"].read()).splitlines()
    other = [json.dumps({**json.loads(row), "features": {WORD: WORD}}) for row in rows]
    s3.put_object(Bucket=pipeline.bucket, Key=key, Body=gzip.compress("\n".join(other).encode()))
    request_run(Deployment.on(pipeline.cloud, pipeline.project), "to see it fail")
    pipeline.concluded("gave-up", runs=4)
    return pipeline.notifications()


def holding(found: Iterable[Place], *words: str) -> list[str]:
    """The places that hold one of these words, with what stands around it."""
    return [
        f"{name}: …{text[max(0, text.index(word) - 200) :][:400]}"
        for name, text in found
        for word in words
        if word in text
    ]


def test_the_word_is_where_rows_are_and_what_is_told_is_found(evidence: Evidence) -> None:
    """That the search finds what is there."""
    pipeline = evidence.pipeline
    kinds = {match[0] for key, text in places.objects(pipeline) if WORD in text and (match := BELONGS.match(key))}
    assert {layout.LANDING, layout.QUARANTINE} <= kinds
    assert any("golden.json" in kind for kind in kinds)
    assert holding(places.ledger(pipeline), FILE)
    assert holding(places.logs(pipeline), FILE)
    assert holding(places.histories(pipeline), "golden rows differ")
    assert holding(places.sagemaker(pipeline), "AlgorithmError")
    assert holding(evidence.queues, "Object Created")
    assert holding(evidence.queues, "New Model")
    said = "\n".join(evidence.mails)
    told = (".csv was not used", "golden rows differ", "AlgorithmError", "Labels set aside", "characters>'")
    assert [words for words in told if words not in said] == []
    groups = {name.split(" ")[0] for name, _ in places.logs(pipeline)}
    assert {"/aws/sagemaker/TrainingJobs", f"/aws/sagemaker/Endpoints/{pipeline.project}"} <= groups


def test_no_mail_holds_it(evidence: Evidence) -> None:
    assert holding([(mail[:60], mail) for mail in evidence.mails], WORD, LONG_LABEL) == []


def test_no_log_holds_it(evidence: Evidence) -> None:
    pipeline = evidence.pipeline
    assert holding(places.logs(pipeline), WORD, LONG_LABEL) == []
    assert holding([("server", pipeline.cloud.log.read_text(errors="replace"))], WORD, LONG_LABEL) == []


def test_no_item_of_the_ledger_holds_it(evidence: Evidence) -> None:
    assert holding(places.ledger(evidence.pipeline), WORD, LONG_LABEL) == []


def test_no_execution_and_no_event_holds_it(evidence: Evidence) -> None:
    pipeline = evidence.pipeline
    assert holding(places.histories(pipeline), WORD, LONG_LABEL) == []
    assert holding(evidence.queues, WORD, LONG_LABEL) == []


def test_nothing_that_sagemaker_or_cloudwatch_shows_holds_it(evidence: Evidence) -> None:
    pipeline = evidence.pipeline
    assert list(places.dashboards(pipeline))
    assert holding(places.sagemaker(pipeline), WORD, LONG_LABEL) == []
    assert holding(places.dashboards(pipeline), WORD, LONG_LABEL) == []


def test_no_object_holds_it_but_those_that_hold_rows(evidence: Evidence) -> None:
    """Receipts, reports, manifests, screens, metrics, checkpoints and models."""
    kept = [place for place in places.objects(evidence.pipeline) if not BELONGS.match(place[0])]
    assert any(key.endswith("receipt.json") for key, _ in kept)
    assert any("model.tar.gz" in key for key, _ in kept)
    assert holding(kept, WORD) == []

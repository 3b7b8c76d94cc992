"""`mlops predict`: ask the live model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError
from rich.console import Console

from ops.console import styled
from ops.deployment import Deployment
from ops.errors import NotFound, OpsError, in_plain_words


@dataclass(frozen=True)
class Answer:
    """What the live model says to one text: labels with their probabilities, the best first."""

    text: str
    labels: tuple[tuple[str, float], ...]

    @property
    def best(self) -> tuple[str, float]:
        """The first label and its probability."""
        return self.labels[0]


def ask(deployment: Deployment, texts: Sequence[str], top_k: int = 1) -> list[Answer]:
    """Answers in the texts' order. Raises NotFound while no model is live, OpsError for what the model refuses."""
    runtime = deployment.client("sagemaker-runtime")
    body = json.dumps({"inputs": list(texts), "parameters": {"top_k": top_k}})
    with in_plain_words(deployment.project):
        try:
            response = runtime.invoke_endpoint(
                EndpointName=deployment.endpoint, ContentType="application/json", Body=body
            )
        except runtime.exceptions.ModelError as error:
            said = error.response.get("OriginalMessage") or str(error)
            raise OpsError(f"The model did not answer: {said}") from error
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ValidationError", "ValidationException"):
                raise NotFound(
                    "No model is live yet: the first promotion makes the endpoint. Drop a file (mlops drop …) and "
                    f"follow it (mlops watch). [{error.response['Error'].get('Message', '')}]"
                ) from error
            raise
        found = json.loads(response["Body"].read())
    return [
        Answer(text, tuple((item["label"], float(item["score"])) for item in labels))
        for text, labels in zip(texts, found, strict=True)
    ]


def show(answers: Sequence[Answer], console: Console, *, indent: str = "") -> None:
    """Print one line per text."""
    for answer in answers:
        said = ", ".join(f"{label} {score:.4f}" for label, score in answer.labels)
        console.print(styled(indent, (said, "bold"), f"  {answer.text}"))

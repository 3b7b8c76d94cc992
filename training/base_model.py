"""Where a pretrained model is: the hub at a pinned revision, an S3 prefix (channel `base`), or a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
import torch
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from transformers import PreTrainedModel

from domain.errors import BaseModelUnavailable, HubUnreachable, NotFinite

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


@contextmanager
def loading(name: str, revision: str | None, channel: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to hand to `from_pretrained`, within the block: where the files are, and options.

    Raises BaseModelUnavailable, HubUnreachable for what that raises.
    """
    origin, options = _origin(name, revision, channel)
    try:
        yield origin, options
    except (OSError, ValueError) as error:
        if "revision" in options and any(_is_unanswered(link) for link in _chain(error)):
            raise HubUnreachable(
                f"the hub did not give base model {name!r}: {_first_line(error)} If this job has no way to the hub, "
                "put the files under an s3:// prefix and set training.base_model to it"
            ) from error
        raise BaseModelUnavailable(
            f"cannot load base model {name!r} from {origin!r}: {_first_line(error)} "
            "Set training.base_model and base_revision to a model that is there"
        ) from error


def head(labels: tuple[str, ...]) -> dict[str, Any]:
    """What a model's configuration says of the labels that it tells apart, in the order of its logits."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def check_finite(name: str, model: PreTrainedModel) -> None:
    """Raises NotFinite for weights from which nothing can be learned."""
    broken = [key for key, value in model.named_parameters() if not torch.isfinite(value).all()]
    if broken:
        raise NotFinite(
            f"base model {name!r} has weights that are infinite or no numbers, the first in {broken[0]!r}: "
            "choose another base_model"
        )


def _origin(name: str, revision: str | None, channel: Path | None) -> tuple[str, dict[str, Any]]:
    if channel is not None:
        return str(channel), {"local_files_only": True}
    if name.startswith("s3://"):
        raise BaseModelUnavailable(f"base model {name!r} should have come as channel 'base', and there is none")
    if Path(name).is_dir():
        return name, {"local_files_only": True}
    if not revision:
        raise BaseModelUnavailable(f"base model {name!r} comes from the hub: pin its base_revision to a commit")
    return name, {"revision": revision}


def _is_unanswered(error: BaseException) -> bool:
    """Whether the hub could not be asked, or is in trouble itself, rather than having answered that there is none."""
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        status = int(error.response.status_code)
        return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
    return isinstance(error, LocalEntryNotFoundError | requests.ConnectionError | requests.Timeout)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

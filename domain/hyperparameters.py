"""How a run's settings travel to `training/train.py`: as words that no shell, and no parser on the way, can change.

SageMaker hands a job its hyperparameters as texts of JSON, and AWS's toolkit makes a command line of them. Up to its
version 5.1.2 it joins that line with blanks for a shell (`sagemaker_training/process.py`): quotes are eaten and `$(…)`
is executed. So what a person wrote (a column's name, a model's name) is encoded here and decoded in
`training/arguments.py`. Numbers stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

# CreateTrainingJob, HyperParameterValue.
MOST_CHARS: Final = 2_500
# What a job is given beside the hyperparameters of its task.
OF_EVERY_JOB: Final = ("run_id", "dataset_id", "task", "base_model", "base_revision", "features")
# Tells a reader of the console what the letters are, and this code whether a word is encoded at all.
_PREFIX: Final = "base64url:"


def of_run(
    task: str,
    given: Mapping[str, float | str],
    *,
    base_model: str | None,
    base_revision: str | None,
    features: tuple[str, ...] | None,
) -> dict[str, str]:
    """What a run is made of beside its data, as CreateTrainingJob takes it: each value in JSON for the toolkit.

    `given` are the hyperparameters of the task. What there is none of is left out.
    """
    written = {"base_model": base_model, "base_revision": base_revision, "features": features}
    return (
        # A task is the name of a folder: letters, digits and hyphens.
        {"task": json.dumps(task)}
        | {name: json.dumps(encode(value) if isinstance(value, str) else value) for name, value in given.items()}
        | {name: json.dumps(encode(value)) for name, value in written.items() if value is not None}
    )


def encode(value: object) -> str:
    """`value` in letters, digits, `-`, `_` and a colon: the base64url of its JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(word: str) -> Any:
    """What `encode` made `word` of. Raises ValueError for anything else."""
    letters = word.removeprefix(_PREFIX)
    if letters == word:
        raise ValueError(f"{word!r} does not begin with {_PREFIX}")
    try:
        return json.loads(base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{word!r} is not the base64url of JSON: {error}") from error


def readable(hyperparameters: Mapping[str, str]) -> dict[str, str]:
    """The hyperparameters of a job with what is encoded in them as its JSON, for a receipt that people read."""
    return {name: _readable(text) for name, text in hyperparameters.items()}


def chars(value: object) -> int:
    """How many of MOST_CHARS characters `value` takes, encoded and in JSON."""
    return len(json.dumps(encode(value)))


def _readable(text: str) -> str:
    # The toolkit's rule: what is no JSON is a text as it stands.
    try:
        word = json.loads(text)
    except ValueError:
        return text
    is_encoded = isinstance(word, str) and word.startswith(_PREFIX)
    return json.dumps(decode(word), ensure_ascii=False) if is_encoded else text

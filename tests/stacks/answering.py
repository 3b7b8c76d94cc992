"""Answers texts and judges with the modules of one package: what Evaluate computes.

    python -I -S -B answering.py CODE MODEL

CODE is the unpacked package, MODEL an unpacked artifact of the task text. Prints, as JSON, the labels that it gives
ROWS, and the interval of a resampled accuracy. Run by path, on whatever Python is to be tried.
"""

import json
import sys
from pathlib import Path

ROWS = [{"text": text} for text in ("a good film", "a bad film", "", "it was very dull")]
TRUTH, GUESSES = ["a", "b", "a", "b", "a", "b"], ["a", "b", "b", "b", "a", "a"]


def main() -> None:
    code, model = sys.argv[1:]
    sys.path.insert(0, code)
    sys.stdout.write(json.dumps(computed(Path(model))))


def computed(model: Path) -> list[object]:
    from domain.gate.statistics import bootstrap, interval
    from serving.loading import load

    draws = bootstrap(TRUTH, {"it": GUESSES}, ["a", "b"], "seed")["it"].accuracy
    return [[found.label for found in load(model).best(ROWS)], list(interval(draws, 0.95))]


if __name__ == "__main__":
    main()

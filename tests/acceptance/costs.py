"""The most that a run on an account can cost, from the settings and the price table: said before anything is made."""

from __future__ import annotations

from dataclasses import dataclass

from domain import prices
from domain.settings import Settings

# First, better, poisoned and released, and the one without the poisoned file.
RUNS = 4
_REQUESTS, _LONGEST_SECONDS = 300, 60
# S3, ECR, Lambda, DynamoDB, logs and alarms of an hour or two: cents by the README's table, which is of a month.
_REST_USD = 0.50


@dataclass(frozen=True)
class Line:
    """One kind of cost, and how the figure is made."""

    what: str
    usd: float
    how: str


class NoPriceError(Exception):
    """The price table does not know what the run would use: no bound can be promised."""


def most(settings: Settings) -> list[Line]:
    """Upper bounds in US dollars at list price. Raises NoPriceError."""
    training, serving = settings.training, settings.serving
    hour = prices.training_usd_per_hour(training.instance_type)
    second = prices.SERVERLESS_USD_PER_SECOND.get(serving.memory_mb)
    if hour is None or second is None:
        raise NoPriceError(f"domain/prices.py has no price of {training.instance_type} or of {serving.memory_mb} MB")
    jobs = RUNS * settings.operations.max_attempts * training.instance_count
    trained = jobs * training.max_run_seconds / 3600 * hour
    return [
        Line("training", trained, f"{jobs} jobs of {training.max_run_seconds} s at ${hour} an hour; Spot is less"),
        Line("endpoint", _REQUESTS * _LONGEST_SECONDS * second, f"{_REQUESTS} requests of {_LONGEST_SECONDS} s"),
        Line("the rest", _REST_USD, "storage, functions, logs, alarms"),
    ]


def told(lines: list[Line]) -> str:
    """The lines and their sum, for a person."""
    rows = [f"  {line.what:10} {line.usd:6.2f}  {line.how}" for line in lines]
    total = sum(line.usd for line in lines)
    head = f"It can cost, in US dollars ({prices.REGION}, list prices of {prices.AS_OF}), at most:"
    return "\n".join([head, *rows, f"  {'together':10} {total:6.2f}"])

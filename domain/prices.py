"""The prices this project reckons with: one dated table, each figure with where it was read.

Used for the on-demand cap and for the cost that a receipt states. An estimate, not a bill: us-east-1, list price.
"""

from __future__ import annotations

from typing import Final

AS_OF: Final = "2026-11-22"

REGION: Final = "us-east-1"

# US dollars per instance and hour, on demand, SageMaker training, in REGION.
TRAINING_USD_PER_HOUR: Final[dict[str, float]] = {
    "ml.m5.xlarge": 0.23,  # price tables in several public repositories; AWS's own page was not readable
    "ml.g4dn.xlarge": 0.7364,  # price tables in several public repositories, 2025-26; AWS's own page was not readable
}

# US dollars per second that a request is handled, by memory in MB: three independent price caches, 2026.
SERVERLESS_USD_PER_SECOND: Final[dict[int, float]] = {1024: 0.00002, 2048: 0.00004, 3072: 0.00006}

# Step Functions, Standard: AWS's pricing page; the first 4,000 a month are free.
USD_PER_1000_TRANSITIONS: Final = 0.025


def training_usd_per_hour(instance_type: str) -> float | None:
    """US dollars per instance and hour on demand, or None where the table has no figure."""
    return TRAINING_USD_PER_HOUR.get(instance_type)


def training_usd(instance_type: str, billed_seconds: float) -> float | None:
    """Estimated US dollars for `billed_seconds` on one instance, or None where the table has no figure."""
    price = training_usd_per_hour(instance_type)
    return None if price is None else round(price * billed_seconds / 3600, 4)

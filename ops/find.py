"""Finding a run by the first characters of its id."""

from __future__ import annotations

from domain.state import Run
from ops.deployment import Deployment
from ops.errors import NotFound, Unusable


def find_run(deployment: Deployment, prefix: str | None) -> Run:
    """The run whose id starts with `prefix`; the newest for None. Raises NotFound, or Unusable if several match."""
    runs = deployment.ledger.runs()
    if not runs:
        raise NotFound("There is no run yet. Drop a file: mlops drop reviews.csv")
    if not prefix:
        return runs[-1]
    found = [run for run in runs if run.run.startswith(prefix)]
    if not found:
        raise NotFound(f"No run starts with {prefix!r}. See: mlops runs")
    if len(found) > 1:
        raise Unusable(f"{len(found)} runs start with {prefix!r}: {', '.join(run.run for run in found)}")
    return found[0]

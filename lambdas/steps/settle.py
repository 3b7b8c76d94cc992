"""Settle: wait until landing has been quiet for a while, so that many files dropped together make one run."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from domain.messages import Settled, SettleStep
from lambdas.environment import Environment
from lambdas.storage import landed


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Seconds still to wait; 0 once landing was quiet, or once the wait has reached its bound."""
    step, env = SettleStep.read(event), Environment.read()
    data = env.settings.data
    # The machine's clock for both, so that this function's own may be wrong.
    present = datetime.fromisoformat(step.entered)
    waited = (present - datetime.fromisoformat(step.started)).total_seconds()
    newest = max((datetime.fromisoformat(source.last_modified) for source in landed(env)), default=None)
    if newest is None:
        return Settled(wait_seconds=0).to_payload()
    # A file from the future, by a second or an hour, has just come.
    missing = data.quiet_seconds - max(0.0, (present - newest).total_seconds())
    left = min(missing, data.settle_max_seconds - waited)
    return Settled(wait_seconds=max(0, math.ceil(left))).to_payload()

"""Adopt: a champion that an earlier release promoted is sealed once, as it stands.

That release noted a URI below models/, and no SHA-256. Whatever lies there now is what is served from now on: its very
bytes are written below released/, and an item that only Adopt writes says so. Asked when Redeploy says NotSealed.
"""

from __future__ import annotations

from typing import Any

from domain.messages import Step
from lambdas.environment import Environment, timestamp
from lambdas.model import archives
from lambdas.model.answers import fetched
from lambdas.telemetry import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """Seal the champion, unless it is. Raises Superseded, ModelUnreadable."""
    step, env = Step.read(event), Environment.read()
    env.ledger.require_claim(step.execution)
    champion = env.ledger.champion()
    if champion is None or env.ledger.judgements.seal(champion):
        return {}
    with fetched(env, champion.run, champion.unsealed) as model:
        archives.write(env, model.archive, model.seal.archive)
        env.ledger.judgements.adopt(champion, model.seal, timestamp())
    logger().info("Adopted", extra={"run": champion.run, "archive": model.seal.archive})
    return {}

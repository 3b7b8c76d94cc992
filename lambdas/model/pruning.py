"""What a project keeps of its earlier models, and what Release deletes."""

from __future__ import annotations

from lambdas import storage
from lambdas.environment import Environment
from lambdas.model import archives, hosting
from lambdas.model.jobs import stop_jobs


def prune(env: Environment, run: str | None) -> None:
    """Delete what nobody needs: this execution's jobs and rehearsal; configs, models and archives of earlier runs.

    A job may run although the machine does not know of it: the answer to CreateTrainingJob can be lost. The champion
    and the two before it keep their configs and archives, so that going back needs no new ones. The gate asks the
    epoch's first model too, a person may want to see why the last run ended as it did, and what was ordered to go live
    has yet to.
    """
    if run:
        stop_jobs(env, run)
    hosting.end_rehearsal(env)
    champion = env.ledger.champion()
    # One that carries out an order has no model of its own.
    runs = [run for run in env.ledger.runs() if not run.makes_live]
    keep = {champion.run, *champion.before} if champion else set()
    keep |= {order.model for order in env.ledger.orders.open()}
    hosting.prune(env, keep)
    ended = {run.run for run in runs[:-1] if (run.verdict or run.postponed) and not run.awaits_approval}
    gone = ended - keep - {anchor.run for anchor in env.ledger.anchors()}
    storage.delete_models(env, gone)
    archives.prune(env, _wanted(env, gone))


def _wanted(env: Environment, gone: set[str]) -> set[str]:
    """The SHA-256s of the archives that something still refers to, other than the runs that are `gone`.

    What is or was promoted is named by its promotion, too: its run may have been judged anew since, with another
    archive.
    """
    judgements, champion = env.ledger.judgements, env.ledger.champion()
    live = [champion, *env.ledger.formers(), *env.ledger.anchors()]
    promoted = [seal for one in live if one and (seal := judgements.seal(one))]
    judged = [judgement.seal for judgement in judgements.all() if judgement.run not in gone]
    adopted = [seal for run, seal in judgements.adopted().items() if run not in gone]
    return {seal.archive for seal in (*promoted, *judged, *adopted)}

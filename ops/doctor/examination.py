"""Which questions are asked when, and what becomes of one that AWS does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from domain.settings import Settings
from lambdas.environment import Environment
from ops.deployment import ROOT
from ops.doctor import account, bootstrap, deployed, image, kept, live, mail, programs, quotas
from ops.doctor.finding import Finding, Level, unknown
from ops.doctor.surroundings import Surroundings, settings_of

Check = Callable[[Surroundings], Iterable[Finding]]


class Stage(StrEnum):
    """What is asked: all of it, what must hold before `cdk deploy`, or what only the deployed image and topic show."""

    ALL = "all"
    BEFORE_DEPLOY = "before deploy"
    AFTER_DEPLOY = "after deploy"


def examine(project: str, written: Settings, stage: Stage, root: Path = ROOT) -> list[Finding]:
    """All findings of a stage, about the project of that name and the settings as written in cdk.json.

    Raises Unusable if no project can have that name.
    """
    settings = settings_of({**written.model_dump(mode="json"), "project": project})
    found = [] if stage is Stage.AFTER_DEPLOY else list(_programs(settings, root))
    credentials, number, session = account.who()
    region = session.region_name if session else None
    found.append(credentials)
    if stage is not Stage.AFTER_DEPLOY or not region:
        found += account.region(region, settings)
    if session is None or not number or not region:
        return [*found, Finding(account.AREA, "the rest", Level.WARNING, "Not known: nothing in AWS could be asked.")]
    about = Surroundings(settings, number, region, session)
    if stage is Stage.BEFORE_DEPLOY:
        # A deploy needs none of these yet: `make deploy` bootstraps, and a quota may be raised before the first drop.
        found += [finding.at_most(Level.WARNING) for finding in _of_the_account(about)]
        return [*found, *mail.address(settings)]
    env, not_read = _deployed_environment(about)
    if env:
        about = replace(about, settings=env.settings)
    if stage is Stage.AFTER_DEPLOY:
        return [*found, *not_read, *_image(about, env), *_notifications(about)]
    asked_for = about if project != written.project else replace(about, settings=settings)
    return [*found, *_of_the_account(asked_for), *not_read, *_of_the_stack(about, env, written)]


def _programs(settings: Settings, root: Path) -> Iterator[Finding]:
    yield from programs.node()
    yield from programs.cdk(root)
    yield from programs.disk(root)
    if settings.serving.image == "build":
        yield from programs.docker()


def _of_the_account(about: Surroundings) -> Iterator[Finding]:
    yield from _ask(bootstrap.AREA, "version", bootstrap.version, about)
    yield from _ask(quotas.AREA, "instances, endpoints", quotas.training_and_endpoints, about)
    yield from _ask(quotas.AREA, "serverless concurrency", quotas.serverless_concurrency, about)
    yield from _ask(quotas.AREA, "Lambda concurrency", quotas.lambda_concurrency, about)


def _of_the_stack(about: Surroundings, env: Environment | None, written: Settings) -> Iterator[Finding]:
    try:
        status = deployed.stack_status(about)
    except (ClientError, BotoCoreError) as error:
        yield unknown(deployed.AREA, "status", error)
    else:
        yield deployed.judge_stack(about.project, status)
        if status is None:
            yield from mail.address(about.settings)
            return
    yield from _ask(deployed.AREA, "machine", deployed.machine, about)
    yield from _ask(deployed.AREA, "alarms", deployed.alarms, about)
    yield from _ask(deployed.AREA, "dead letters", deployed.dead_letters, about)
    yield from _ask(kept.AREA, "bucket", kept.bucket, about)
    yield from _ask(kept.AREA, "ledger", kept.ledger, about)
    if env:
        yield from live.settings(env.settings, written)
        yield from _ask(live.AREA, "endpoint", partial(live.serves, env=env), about)
    yield from _image(about, env)
    yield from _notifications(about)


def _deployed_environment(about: Surroundings) -> tuple[Environment | None, list[Finding]]:
    """What the deployed functions are given; where there is something that cannot be read, a finding that says so."""
    name = "deployed settings"
    try:
        return live.deployed_environment(about), []
    except (ClientError, BotoCoreError) as error:
        return None, [unknown(deployed.AREA, name, error)]
    except (ValidationError, KeyError) as error:
        sentence = f"Not known: another release of this project is deployed ({type(error).__name__})."
        return None, [Finding(deployed.AREA, name, Level.WARNING, sentence, "make deploy")]


def _image(about: Surroundings, env: Environment | None) -> Iterator[Finding]:
    if env:
        yield from _ask(image.AREA, "manifest", partial(image.manifest, uri=env.serving_image), about)


def _notifications(about: Surroundings) -> Iterator[Finding]:
    yield from mail.address(about.settings)
    yield from _ask(mail.AREA, "subscription", mail.subscription, about)


def _ask(area: str, name: str, check: Check, about: Surroundings) -> list[Finding]:
    """A check's findings, or the one that says why AWS did not answer it."""
    try:
        return list(check(about))
    except (ClientError, BotoCoreError) as error:
        return [unknown(area, name, error)]

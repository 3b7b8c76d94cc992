"""Service Quotas: whether the account may have what the settings ask for.

The names and the code L-96300102 are those that users report; the API is known from its model alone. So a quota that
is not found is not known, and never fine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from domain.settings import Settings
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "quotas"
SERVERLESS_CONCURRENCY: Final = "L-96300102"
LAMBDA_CONCURRENCY: Final = "L-B99A9384"
ENDPOINTS: Final = "Maximum number of serverless endpoints"
# The live endpoint and, while a candidate is rehearsed, the rehearsal's.
_OUR_ENDPOINTS: Final = 2
# A drop, its run and what watches them take a few functions at a time; with 1,000 files a minute they queue.
_FEW_FUNCTIONS: Final = 50


@dataclass(frozen=True)
class Need:
    """What the settings ask of a quota: without `least` it does not work, without `enough` it may not."""

    name: str
    least: int
    enough: int
    what: str


def training_needs(settings: Settings) -> list[tuple[str, Need]]:
    """(quota's name, need) of the training job: Spot's, on demand's, or both."""
    training = settings.training
    kind, count = training.instance_type, training.instance_count
    what = f"training on {count} × {kind}" if count > 1 else f"training on {kind}"
    needs = []
    if training.spot:
        needs.append((f"{kind} for spot training job usage", Need("Spot instances", count, count, what)))
    if not training.spot or training.on_demand_max_usd_per_hour:
        needs.append((f"{kind} for training job usage", Need("on-demand instances", count, count, what)))
    return needs


def concurrency_need(settings: Settings) -> Need:
    """Serverless concurrency: the endpoint's and the rehearsal's; if an update counts old and new, twice the first."""
    most = settings.serving.max_concurrency
    what = f"an endpoint of max_concurrency {most} beside a rehearsal"
    return Need("serverless concurrency", most + 1, max(2 * most, most + 1), what)


def judge(need: Need, value: float, *, fix: str) -> Finding:
    """The finding about a quota of `value`."""
    said = f"{value:g} in all for this account and region"
    if value < need.least:
        return Finding(AREA, need.name, Level.WRONG, f"{said}, and {need.what} takes {need.least}.", fix)
    if value < need.enough:
        sentence = f"{said}; {need.what} takes {need.least}, and {need.enough} are on the safe side."
        return Finding(AREA, need.name, Level.WARNING, sentence, fix)
    return Finding(AREA, need.name, Level.FINE, f"{said}; {need.what} takes {need.least}.")


def training_and_endpoints(about: Surroundings) -> Iterator[Finding]:
    """Instances for training jobs, and the number of endpoints: found by name. Raises botocore's errors."""
    endpoints = Need("serverless endpoints", _OUR_ENDPOINTS, _OUR_ENDPOINTS, "the live endpoint with a rehearsal")
    needs = [*training_needs(about.settings), (ENDPOINTS, endpoints)]
    found = _by_name(about.client("service-quotas"), [name for name, _ in needs])
    for name, need in needs:
        quota = found.get(name)
        if quota is None:
            sentence = f"Not known: Service Quotas lists no {name!r} in {about.region}; it may not be offered there."
            yield Finding(AREA, need.name, Level.WARNING, sentence, _console(about))
        else:
            yield judge(need, quota["Value"], fix=_more(quota, need))


def serverless_concurrency(about: Surroundings) -> Iterator[Finding]:
    """The account's concurrency of all Serverless endpoints together. Raises botocore's errors."""
    need = concurrency_need(about.settings)
    yield from _by_code(about, "sagemaker", SERVERLESS_CONCURRENCY, need)


def lambda_concurrency(about: Surroundings) -> Iterator[Finding]:
    """How many functions may run at a time. Raises botocore's errors."""
    need = Need("Lambda concurrency", 2, _FEW_FUNCTIONS, "one run")
    yield from _by_code(about, "lambda", LAMBDA_CONCURRENCY, need)


def _by_code(about: Surroundings, service: str, code: str, need: Need) -> Iterator[Finding]:
    quotas = about.client("service-quotas")
    asked = {"ServiceCode": service, "QuotaCode": code}
    missing = quotas.exceptions.NoSuchResourceException
    try:
        # A quota that was never changed may have no applied value: its default is what counts then.
        try:
            quota = quotas.get_service_quota(**asked)["Quota"]
        except missing:
            quota = quotas.get_aws_default_service_quota(**asked)["Quota"]
    except missing:
        sentence = f"Not known: Service Quotas has no {code} in {about.region}; it may not be offered there."
        yield Finding(AREA, need.name, Level.WARNING, sentence, _console(about))
        return
    yield judge(need, quota["Value"], fix=_more(quota, need))


def _by_name(quotas: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    """SageMaker's quotas of these names: the applied values, and for those without one the defaults."""
    found: dict[str, dict[str, Any]] = {}
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        wanted = set(names) - set(found)
        pages = quotas.get_paginator(operation).paginate(ServiceCode="sagemaker", PaginationConfig={"PageSize": 100})
        # There are thousands.
        for page in pages if wanted else ():
            found |= {quota["QuotaName"]: quota for quota in page["Quotas"] if quota["QuotaName"] in wanted}
            if wanted <= set(found):
                break
    return found


def _more(quota: dict[str, Any], need: Need) -> str:
    service, code = quota["ServiceCode"], quota["QuotaCode"]
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        f"--desired-value {need.enough}"
    )


def _console(about: Surroundings) -> str:
    return f"look under Service Quotas, Amazon SageMaker, in {about.region}; or export AWS_REGION=us-east-1"

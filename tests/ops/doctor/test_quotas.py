"""The quotas of an account, which a stand-in for the service tells."""

from __future__ import annotations

import pytest

from local.cloud import ACCOUNT, REGION
from ops.doctor import quotas
from ops.doctor.finding import Level
from ops.doctor.surroundings import Surroundings
from tests.ops.doctor.conftest import TEXT, levels
from tests.ops.quotas_stand_in import CONCURRENCY, ENDPOINTS, FUNCTIONS, ON_DEMAND, SPOT, Quotas


def test_enough_of_everything(about: Surroundings) -> None:
    found = [
        *quotas.training_and_endpoints(about), *quotas.serverless_concurrency(about), *quotas.lambda_concurrency(about)
    ]  # fmt: skip
    assert set(levels(found)) == {
        "Spot instances", "serverless endpoints", "serverless concurrency", "Lambda concurrency"
    }  # fmt: skip
    assert {finding.level for finding in found} == {Level.FINE}


def test_no_spot_instance(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[SPOT] = 0
    found = {finding.name: finding for finding in quotas.training_and_endpoints(about)}
    assert found["Spot instances"].level is Level.WRONG
    assert found["Spot instances"].fix.endswith("--service-code sagemaker --quota-code L-944F78BB --desired-value 1")
    assert found["serverless endpoints"].level is Level.FINE


def test_on_demand_counts_where_the_settings_allow_it(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[ON_DEMAND] = 0
    assert "on-demand instances" not in levels(quotas.training_and_endpoints(about))
    allowed = TEXT.model_validate({"training": {"on_demand_max_usd_per_hour": 1.0}})
    found = levels(quotas.training_and_endpoints(Surroundings(allowed, ACCOUNT, REGION, about.session)))
    assert found == {"Spot instances": "fine", "on-demand instances": "wrong", "serverless endpoints": "fine"}


def test_two_instances_are_twice_as_many(about: Surroundings) -> None:
    two = TEXT.model_validate({"training": {"instance_count": 2}})
    found = levels(quotas.training_and_endpoints(Surroundings(two, ACCOUNT, REGION, about.session)))
    assert found["Spot instances"] == "wrong"


@pytest.mark.parametrize(("value", "level"), [(4, "wrong"), (5, "warning"), (8, "fine")])
def test_serverless_concurrency(about: Surroundings, account_quotas: Quotas, value: float, level: str) -> None:
    account_quotas.applied[CONCURRENCY] = value
    assert levels(quotas.serverless_concurrency(about)) == {"serverless concurrency": level}


def test_one_endpoint_leaves_none_for_the_rehearsal(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied[ENDPOINTS] = 1
    assert levels(quotas.training_and_endpoints(about))["serverless endpoints"] == "wrong"


@pytest.mark.parametrize(("value", "level"), [(0, "wrong"), (10, "warning"), (1000, "fine")])
def test_lambda_concurrency(about: Surroundings, account_quotas: Quotas, value: float, level: str) -> None:
    account_quotas.applied[FUNCTIONS] = value
    assert levels(quotas.lambda_concurrency(about)) == {"Lambda concurrency": level}


def test_a_quota_that_was_never_changed_has_its_default(about: Surroundings, account_quotas: Quotas) -> None:
    for quota in (SPOT, CONCURRENCY):
        del account_quotas.applied[quota]
        account_quotas.defaults[quota] = 0
    assert levels(quotas.training_and_endpoints(about))["Spot instances"] == "wrong"
    assert levels(quotas.serverless_concurrency(about)) == {"serverless concurrency": "wrong"}


def test_a_quota_that_is_not_there_is_not_known(about: Surroundings, account_quotas: Quotas) -> None:
    account_quotas.applied.clear()
    found = [*quotas.training_and_endpoints(about), *quotas.serverless_concurrency(about)]
    assert {finding.level for finding in found} == {Level.WARNING}
    assert all(finding.sentence.startswith("Not known") for finding in found)

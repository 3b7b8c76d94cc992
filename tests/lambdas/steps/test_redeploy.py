"""Redeploy, Verify and Promote on a real endpoint: what was judged is what is served, or nothing changes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from domain import layout
from domain.errors import EndpointBusy, NotToBeDeployed, Superseded, VerifyFailed
from domain.state import Run, Seal
from lambdas.model import hosting
from lambdas.steps import promote, redeploy, release, verify
from tests.lambdas.models import Models
from tests.lambdas.project import Judge, Project, until

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"


def deploy(execution: str, target: str = "champion", run: str | None = None, stage: str = "live") -> dict[str, Any]:
    return redeploy.handler({"execution": execution, "target": target, "stage": stage, "run": run}, None)


def check(config: str | None, stage: str = "live") -> None:
    """Verify. Raises VerifyFailed."""
    assert verify.handler({"execution": "arn", "stage": stage, "config": config}, None) == {}


def let_go(execution: str, run: str | None = None) -> object:
    return release.handler({"execution": execution, "run": run}, None)["started"]


def crown(run: Run) -> None:
    promote.handler({"execution": run.execution, "run": run.run}, None)


def promoted(project: Project, models: Models, judged: Judge) -> Run:
    """The run ONE as the champion, and live; its execution has the claim."""
    run = judged(ONE, models.right, project.claim())
    deploy(run.execution, "candidate", ONE)
    project.endpoint("InService")
    crown(run)
    return run


def seal(project: Project, run: str) -> Seal:
    judgement = project.env.ledger.judgements.of(run)
    assert judgement is not None
    return judgement.seal


def names(project: Project) -> tuple[set[str], set[str]]:
    """The runs that have configs, and those that have models."""
    sagemaker = project.client("sagemaker")
    configs = sagemaker.list_endpoint_configs(NameContains=f"{project.name}-")["EndpointConfigs"]
    models = sagemaker.list_models(NameContains=f"{project.name}-")["Models"]
    return (
        {str(layout.deployed_run(project.name, item["EndpointConfigName"])) for item in configs},
        {str(layout.deployed_run(project.name, item["ModelName"])) for item in models},
    )


def test_a_candidate_goes_live_is_verified_and_promoted(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    answer = deploy(run.execution, "candidate", ONE)
    before = project.endpoint("InService")["LastModifiedTime"]
    assert deploy(run.execution, "candidate", ONE) == answer
    assert project.endpoint("InService")["LastModifiedTime"] == before, "what is live already is left alone"
    check(answer["config"])
    for _ in range(2):
        crown(run)
    champion = project.env.ledger.champion()
    assert champion is not None
    assert (champion.run, champion.version) == (ONE, 1)
    assert champion.seal == seal(project, ONE)
    assert project.env.ledger.conclusion(run.dataset) == "promote"


def test_a_candidate_is_rehearsed_on_an_endpoint_of_its_own(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    project.configure(serving={"max_concurrency": 4, "provisioned_concurrency": 2})
    answer = deploy(run.execution, "candidate", ONE, "rehearsal")
    assert answer["endpoint"] == f"{project.name}-rehearsal"
    described = project.client("sagemaker").describe_endpoint_config(EndpointConfigName=answer["config"])
    assert described["ProductionVariants"][0]["ServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    until(lambda: rehearsal(project) == "InService")
    check(answer["config"], stage="rehearsal")
    assert hosting.describe_endpoint(project.env, project.name) is None, "nobody else has seen it"
    live = deploy(run.execution, "candidate", ONE)
    assert live["config"] != answer["config"]
    until(lambda: rehearsal(project) is None)
    project.endpoint("InService")
    check(live["config"])


def rehearsal(project: Project) -> str | None:
    found = hosting.describe_endpoint(project.env, project.env.rehearsal)
    return found["EndpointStatus"] if found else None


def test_release_leaves_no_rehearsal_and_no_candidate(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    deploy(run.execution, "candidate", ONE, "rehearsal")
    until(lambda: rehearsal(project) == "InService")
    let_go(run.execution, ONE)
    until(lambda: rehearsal(project) is None)
    assert names(project) == (set(), set())


def test_release_has_the_champion_brought_back_if_something_else_is_live(
    project: Project, models: Models, judged: Judge
) -> None:
    run = promoted(project, models, judged)
    assert let_go(run.execution) is None
    late = judged(TWO, models.constant, project.claim(), against=1)
    config = deploy(late.execution, "candidate", TWO)["config"]
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)
    assert let_go(late.execution)
    (message,) = [sent for name, sent in project.executions().items() if name.startswith("after-")]
    assert message == {"reason": "what is live is not what it should be", "from": "Redeploy", "chain": 0}


def test_release_has_the_champion_served_as_the_settings_say_since_a_deploy(
    project: Project, models: Models, judged: Judge
) -> None:
    run = promoted(project, models, judged)
    project.configure(serving={"max_concurrency": 7})
    assert let_go(run.execution)
    execution = project.claim()
    config = deploy(execution)["config"]
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == config)
    assert let_go(execution) is None


def test_the_config_is_what_the_settings_say(project: Project, models: Models, judged: Judge) -> None:
    project.configure(serving={"memory_mb": 3072, "max_concurrency": 4, "provisioned_concurrency": 2})
    run = judged(ONE, models.right, project.claim())
    config = deploy(run.execution, "candidate", ONE)["config"]
    (variant,) = project.client("sagemaker").describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 4, "ProvisionedConcurrency": 2}
    assert variant["VariantName"] == "AllTraffic"
    model = project.client("sagemaker").describe_model(ModelName=variant["ModelName"])
    sealed = seal(project, ONE)
    assert model["PrimaryContainer"] | {"Image": ""} == {
        "Image": "",
        "ModelDataUrl": f"s3://{project.bucket}/released/{sealed.archive}/model.tar.gz",
        "Environment": {"MANIFEST_SHA256": sealed.manifest},
    }
    assert f"-{sealed.archive[:12]}" in variant["ModelName"]
    assert not model.get("EnableNetworkIsolation", False), "serverless endpoints refuse it"
    project.configure(serving={"memory_mb": 1024})
    assert hosting.ensure_config(project.env, ONE, sealed) != config, "configs are immutable"


def test_new_settings_converge_the_champion_to_a_new_config(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    first = deploy(run.execution, "candidate", ONE)["config"]
    crown(run)
    before = project.endpoint("InService")["LastModifiedTime"]
    assert deploy(run.execution) == {"endpoint": project.name, "config": first}
    assert project.endpoint("InService")["LastModifiedTime"] == before, "what is live already is left alone"
    project.configure(serving={"max_concurrency": 7})
    second = deploy(run.execution)
    assert second["config"] != first
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == second["config"])
    check(second["config"])


def test_a_rollback_brings_the_champion_back_and_prunes_the_rest(
    project: Project, models: Models, judged: Judge
) -> None:
    run = judged(ONE, models.right, project.claim())
    champion_config = deploy(run.execution, "candidate", ONE)["config"]
    project.endpoint("InService")
    crown(run)
    candidate = judged(TWO, models.constant, run.execution, against=1)
    candidate_config = deploy(run.execution, "candidate", TWO)["config"]
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == candidate_config)
    with pytest.raises(VerifyFailed, match=f"{candidate_config} is live instead of {champion_config}"):
        check(champion_config)
    back = deploy(candidate.execution, "champion", TWO)
    assert back == {"endpoint": project.name, "config": champion_config}
    until(lambda: project.endpoint("InService")["EndpointConfigName"] == champion_config)
    check(champion_config)
    assert names(project) == ({ONE, TWO}, {ONE, TWO})
    let_go(candidate.execution)
    assert names(project) == ({ONE}, {ONE})


def test_what_answers_differently_than_judged_is_not_verified(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    config = deploy(run.execution, "candidate", ONE)["config"]
    project.endpoint("InService")
    key = layout.run_file(ONE, "golden.json")
    golden = [{**row, "label": {"pos": "neg", "neg": "pos"}[row["label"]]} for row in project.json(key)]
    project.client("s3").put_object(Bucket=project.bucket, Key=key, Body=json.dumps(golden))
    with pytest.raises(VerifyFailed, match="20 of 20 golden rows differ"):
        check(config)
    project.client("s3").delete_object(Bucket=project.bucket, Key=key)
    with pytest.raises(VerifyFailed, match=f"run {ONE} has no golden rows"):
        check(config)


def test_a_server_that_does_not_start_fails_the_endpoint_and_the_next_try_begins_anew(
    project: Project, models: Models, judged: Judge
) -> None:
    run = judged(ONE, models.right, project.claim())
    # It finds another manifest than it is told of.
    project.judgement(run, replace(seal(project, ONE), manifest="0" * 64))
    config = deploy(run.execution, "candidate", ONE)["config"]
    project.endpoint("Failed")
    with pytest.raises(VerifyFailed, match="is Failed"):
        check(config)
    with pytest.raises(EndpointBusy, match="had failed and is being deleted"):
        deploy(run.execution, "candidate", ONE)
    until(lambda: hosting.describe_endpoint(project.env, project.name) is None)
    assert deploy(run.execution, "candidate", ONE) == {"endpoint": project.name, "config": config}


def test_without_a_champion_converging_removes_the_endpoint(project: Project, models: Models, judged: Judge) -> None:
    execution = project.claim()
    assert deploy(execution) == {"endpoint": project.name, "config": None}
    check(None)
    judged(ONE, models.right, execution)
    deploy(execution, "candidate", ONE)
    project.endpoint("InService")
    with pytest.raises(VerifyFailed, match="though no model is promoted"):
        check(None)
    assert deploy(execution) == {"endpoint": project.name, "config": None}
    check(None)
    until(lambda: hosting.describe_endpoint(project.env, project.name) is None)
    with pytest.raises(VerifyFailed, match="does not exist"):
        check(f"{project.name}-{ONE}-01234567-012345")


def test_while_it_is_changing_another_config_has_to_wait(project: Project, models: Models, judged: Judge) -> None:
    # A server that never gets healthy: its endpoint is being created for as long as this test takes.
    run = judged(ONE, models.silent, project.claim(), golden=models.right)
    judged(TWO, models.constant, run.execution)
    answer = deploy(run.execution, "candidate", ONE)
    assert hosting.describe_endpoint(project.env, project.name)["EndpointStatus"] == "Creating"  # type: ignore[index]
    assert deploy(run.execution, "candidate", ONE) == answer, "a retry finds it on its way"
    with pytest.raises(EndpointBusy, match="is Creating"):
        deploy(run.execution, "candidate", TWO)


def test_asked_by_several_at_once_it_is_done_once_or_asked_again(
    project: Project, models: Models, judged: Judge
) -> None:
    run = judged(ONE, models.right, project.claim())

    def ask(_: int) -> str | None:
        try:
            return str(deploy(run.execution, "candidate", ONE)["config"])
        except EndpointBusy:
            return None

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(ask, range(6)))
    assert answers <= {deploy(run.execution, "candidate", ONE)["config"], None}
    assert names(project) == ({ONE}, {ONE})
    project.endpoint("InService")


def test_a_candidate_is_refused_once_the_champion_moved(project: Project, models: Models, judged: Judge) -> None:
    execution = project.claim()
    winner, late = judged(ONE, models.right, execution), judged(TWO, models.constant, execution)
    crown(winner)
    with pytest.raises(NotToBeDeployed, match="judged against champion 0, now it is 1"):
        deploy(execution, "candidate", TWO)
    with pytest.raises(Superseded, match="the champion moved"):
        crown(late)
    assert hosting.describe_endpoint(project.env, project.name) is None


@pytest.mark.parametrize("verdict", [None, "keep", "reject"])
def test_what_has_not_passed_the_gate_is_not_deployed(project: Project, verdict: str) -> None:
    execution = project.claim()
    run = project.run(execution, run=ONE, judged="promote")
    if verdict:
        project.judgement(run, verdict=verdict)
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(execution, "candidate", ONE)
    with pytest.raises(NotToBeDeployed, match="has not passed the gate"):
        deploy(execution, "candidate", TWO)


def test_without_the_claim_nothing_is_deployed_or_promoted(project: Project, models: Models, judged: Judge) -> None:
    run = judged(ONE, models.right, project.claim())
    project.env.ledger.hand_over(run.execution, "successor", "now")
    for target in ("candidate", "champion"):
        with pytest.raises(Superseded):
            deploy(run.execution, target, ONE)
    with pytest.raises(Superseded):
        crown(run)
    assert names(project) == (set(), set())
    assert project.env.ledger.conclusion(run.dataset) is None


def test_an_unknown_run_is_not_promoted(project: Project) -> None:
    with pytest.raises(Superseded, match="not in the ledger"):
        promote.handler({"execution": project.claim(), "run": ONE}, None)


def test_going_back_needs_no_new_config_for_the_two_before(project: Project, models: Models, judged: Judge) -> None:
    execution, env = project.claim(), project.env
    for version, run in enumerate((ONE, TWO, THREE)):
        made = judged(run, models.right, execution, against=version)
        hosting.ensure_config(env, run, seal(project, run))
        crown(made)
    made = judged("444444444444", models.right, execution, against=3)
    hosting.ensure_config(env, made.run, seal(project, made.run))
    crown(made)
    let_go(execution)
    assert names(project) == ({TWO, THREE, made.run}, {TWO, THREE, made.run})


def test_pruning_twice_at_once_and_other_projects_do_no_harm(project: Project, models: Models, judged: Judge) -> None:
    judged(ONE, models.right, project.claim())
    hosting.ensure_config(project.env, ONE, seal(project, ONE))
    neighbour = replace(project.env, project=f"x-{project.name}")
    hosting.ensure_config(neighbour, ONE, seal(project, ONE))
    for _ in range(2):
        hosting.prune(project.env, keep=set())
    assert names(project) == ({"None"}, {"None"}), "the neighbour's are listed, for they contain our name, but not ours"

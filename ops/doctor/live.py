"""The live model: what the endpoint serves is what was promoted, served as the settings say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from domain import layout
from domain.messages import Start
from domain.settings import Settings
from domain.state import Champion
from lambdas.environment import Environment
from lambdas.model import hosting
from ledger.ledger import Ledger
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "live model"
_RESTING: Final = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")
_LOOK: Final = "aws sagemaker describe-endpoint --endpoint-name"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint's status and the EndpointConfig that it serves."""

    status: str
    config: str


def deployed_environment(about: Surroundings) -> Environment | None:
    """What the deployed functions are given, None without a stack.

    Raises botocore's errors, and ValidationError or KeyError if another release is deployed.
    """
    functions = about.client("lambda")
    try:
        answer = functions.get_function_configuration(FunctionName=layout.function(about.project, "redeploy"))
    except functions.exceptions.ResourceNotFoundException:
        return None
    return Environment.read(answer["Environment"]["Variables"])


def settings(deployed: Settings, written: Settings) -> Iterator[Finding]:
    """Whether what is deployed is what cdk.json says, where cdk.json is about the same project."""
    if deployed.project != written.project:
        return
    there, here = deployed.model_dump(mode="json"), written.model_dump(mode="json")
    differ = sorted(_differing(there, here))
    if differ:
        sentence = f"cdk.json differs from what is deployed: {', '.join(differ)}."
        yield Finding(AREA, "settings", Level.WARNING, sentence, "make deploy")
    else:
        yield Finding(AREA, "settings", Level.FINE, "What is deployed is what cdk.json says.")


def serves(about: Surroundings, env: Environment) -> Iterator[Finding]:
    """Whether the endpoint serves the promoted model. Raises botocore's errors."""
    ledger = Ledger(about.table(env.ledger_table))
    champion, endpoint = ledger.champion(), _endpoint(about, env.endpoint)
    seal = ledger.judgements.seal(champion) if champion else None
    wanted = hosting.config_name(env, champion.run, seal) if champion and seal else None
    finding = judge(env, champion, endpoint, wanted)
    # Between two steps of a run they may differ.
    yield finding.at_most(Level.WARNING) if ledger.claimed_by() else finding


def judge(env: Environment, champion: Champion | None, endpoint: Endpoint | None, wanted: str | None) -> Finding:
    """The finding about what is promoted and what the endpoint serves.

    `wanted` is the promoted model's config, None for one that an earlier release left unsealed.
    """
    sweep = (
        f"aws stepfunctions start-execution --state-machine-arn {env.state_machine_arn} "
        f"--input '{Start.settle('by hand').to_input()}'"
    )
    look = f"{_LOOK} {env.endpoint}"
    if champion is None:
        if endpoint is None:
            return Finding(AREA, "endpoint", Level.FINE, "No model was promoted yet.", "mlops drop FILE")
        return Finding(AREA, "endpoint", Level.WRONG, "The endpoint serves, but no model was promoted.", sweep)
    promoted = f"run {champion.run}, the promoted one"
    if endpoint is None:
        return Finding(AREA, "endpoint", Level.WRONG, f"There is no endpoint to serve {promoted}.", sweep)
    if endpoint.status not in _RESTING:
        return Finding(AREA, "endpoint", Level.WARNING, f"The endpoint is {endpoint.status}.", f"wait; {look}")
    if endpoint.status != "InService":
        return Finding(AREA, "endpoint", Level.WRONG, f"The endpoint is {endpoint.status}.", f"{look}; then: {sweep}")
    if endpoint.config == wanted:
        return Finding(AREA, "endpoint", Level.FINE, f"It serves {promoted}, as the settings say.")
    run = layout.deployed_run(env.project, endpoint.config)
    if run == champion.run:
        sentence = f"It serves {promoted}, but with other settings or another image than are deployed."
        return Finding(AREA, "endpoint", Level.WRONG, sentence, sweep)
    found = f"run {run}" if run else f"{endpoint.config}, which somebody made by hand"
    return Finding(AREA, "endpoint", Level.WRONG, f"It serves {found}, and not {promoted}.", sweep)


def _endpoint(about: Surroundings, name: str) -> Endpoint | None:
    try:
        found = about.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        # SageMaker has no modelled error for this.
        if error.response["Error"]["Code"] == "ValidationException" and "ould not find" in str(error):
            return None
        raise
    return Endpoint(str(found["EndpointStatus"]), str(found["EndpointConfigName"]))


def _differing(there: Mapping[str, Any], here: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key in {**there, **here}:
        one, other, name = there.get(key), here.get(key), f"{path}{key}"
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(one, other, f"{name}.")
        elif json.dumps(one) != json.dumps(other):
            yield name

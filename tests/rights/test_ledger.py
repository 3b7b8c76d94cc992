"""What each function may do with the facts of the ledger, tried with its role on a ledger that enforces it.

Every attempt here was carried out as long as a function that may write the ledger could write all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.state import Approval, Judgement, Run, Seal
from ledger import keys
from local.cloud import LocalCloud
from stacks.ledger_rights import ACTIONS
from stacks.steps import STEPS
from tests.rights.conftest import Roles
from tests.rights.people import LEDGER

pytestmark = pytest.mark.slow

# They read files of anybody, weights and archives.
PARSERS = ("Prepare", "Screen", "Evaluate", "Adopt")
KINDS = sorted(value for name, value in vars(keys).items() if name.isupper())
LEDGER_RIGHTS = {step.name: step.ledger for step in STEPS}
RUN = Run("0123456789ab", "dataset", 1, "execution", "attack", "2026-01-01T00:00:00+00:00", judged="promote")
SEAL = Seal("a" * 64, "b" * 64)
JUDGED = Judgement(RUN.run, RUN.dataset, RUN.epoch, SEAL, "promote", 0)
Refused = Callable[..., bool]


def role_of(step: str) -> str:
    return f"Functions{''.join(part.capitalize() for part in step.split('-'))}Role"


def attempts(dynamodb: Any, kind: str) -> dict[str, Callable[[], Any]]:
    """Each thing that can be done with a fact of this kind, as a call."""
    key = {"pk": {"S": kind}, "sk": {"S": "tried"}}
    of_table = {"TableName": LEDGER}
    condition = {"ConditionExpression": "attribute_not_exists(nowhere)"}
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": kind}}}
    update = {"UpdateExpression": "SET a = :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    check = [{"ConditionCheck": {**of_table, "Key": key, **condition}}]
    return {
        "get": lambda: dynamodb.get_item(**of_table, Key=key),
        "query": lambda: dynamodb.query(**of_table, **query),
        "delete": lambda: dynamodb.delete_item(**of_table, Key=key),
        "check": lambda: dynamodb.transact_write_items(TransactItems=check),
        "put": lambda: dynamodb.put_item(**of_table, Item=key),
        "update": lambda: dynamodb.update_item(**of_table, Key=key, **update),
    }


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> Any:
    return cloud.resource("dynamodb").Table(LEDGER)


@pytest.fixture(autouse=True)
def nothing_there(table: Any) -> None:
    for item in table.scan()["Items"]:
        table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})


def allowed_to(what: str, kind: str) -> set[str]:
    """The functions that may do it with items of this kind."""
    return {step for step, rights in LEDGER_RIGHTS.items() if kind in getattr(rights, what)}


@pytest.mark.parametrize("step", LEDGER_RIGHTS)
def test_a_function_may_do_what_its_row_says_and_nothing_else(roles: Roles, refused: Refused, step: str) -> None:
    dynamodb, granted = roles.client(role_of(step), "dynamodb"), LEDGER_RIGHTS[step].by_action()
    for number, kind in enumerate(KINDS):
        for what, attempt in attempts(dynamodb, kind).items():
            # What it may do with no fact at all is tried with one.
            if ACTIONS[what] not in granted and number:
                continue
            assert refused(attempt) != (step in allowed_to(what, kind)), f"{step}: {what} {kind}"


@pytest.mark.parametrize("parser", PARSERS)
def test_what_parses_foreign_bytes_moves_no_champion(roles: Roles, table: Any, refused: Refused, parser: str) -> None:
    """By the ledger's own methods, and by each other call that writes an item."""
    ledger, dynamodb = roles.ledger(f"Functions{parser}Role"), roles.client(f"Functions{parser}Role", "dynamodb")
    roles.ledger("FunctionsClaimRole").claim(RUN.execution, RUN.started)
    assert refused(ledger.promote, RUN.execution, JUDGED, RUN.started)
    assert refused(ledger.judgements.approve, Approval(RUN.run, "package", SEAL.archive), RUN.started)
    if parser != "Evaluate":
        assert refused(ledger.record, RUN.execution, RUN, JUDGED)
    assert refused(ledger.seize, "me", RUN.started)
    champion = {"pk": {"S": "champion"}, "sk": {"S": "champion"}}
    put = {"TableName": LEDGER, "Item": champion}
    allowed = {"TableName": LEDGER, "Item": {"pk": {"S": "run"}, "sk": {"S": "x"}}}
    batch = [{"PutRequest": {"Item": allowed["Item"]}}, {"PutRequest": {"Item": champion}}]
    assert refused(dynamodb.transact_write_items, TransactItems=[{"Put": allowed}, {"Put": put}])
    assert refused(dynamodb.batch_write_item, RequestItems={LEDGER: batch})
    statement = "UPDATE \"{}\" SET a = 1 WHERE pk = 'champion' AND sk = 'champion'"
    assert refused(dynamodb.execute_statement, Statement=statement.format(LEDGER))
    assert [item["pk"] for item in table.scan()["Items"]] == ["claim"]


def test_promote_moves_it(roles: Roles) -> None:
    roles.ledger("FunctionsClaimRole").claim(RUN.execution, RUN.started)
    roles.ledger("FunctionsPromoteRole").promote(RUN.execution, JUDGED, RUN.started)
    champion = roles.ledger("FunctionsRedeployRole").champion()
    assert champion is not None
    assert champion.run == RUN.run


def test_only_who_is_to_move_the_champion_or_to_approve_may() -> None:
    """The few lines that matter most, said once more: a change of them must be meant."""
    assert allowed_to("put", keys.CHAMPION) == allowed_to("update", keys.ANCHOR) == {"promote"}
    for what in ("query", "check", "update", "delete"):
        assert allowed_to(what, keys.CHAMPION) == set()
    assert allowed_to("put", keys.JUDGEMENT) == {"evaluate"}
    assert allowed_to("put", keys.APPROVAL) == {"approve"}
    assert allowed_to("put", keys.ADOPTION) == {"adopt"}
    assert allowed_to("put", keys.ORDER) | allowed_to("update", keys.ORDER) == set(), "people alone"
    assert allowed_to("put", keys.CLAIM).isdisjoint(name.lower() for name in PARSERS)


@pytest.mark.parametrize("step", LEDGER_RIGHTS)
def test_nobody_reads_the_whole_ledger(roles: Roles, refused: Refused, step: str) -> None:
    dynamodb = roles.client(role_of(step), "dynamodb")
    assert refused(dynamodb.scan, TableName=LEDGER)
    assert refused(dynamodb.execute_statement, Statement=f'SELECT * FROM "{LEDGER}"')
    assert not [s for s in roles.statements(role_of(step)) if "Scan" in str(s["Action"])]


def test_every_right_to_the_ledger_names_its_partitions(roles: Roles) -> None:
    for policy in roles.template.of_type("AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if "dynamodb:" in str(statement["Action"]):
                condition = statement["Condition"]
                assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
                assert condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]


def test_the_rows_name_all_functions_and_kinds_that_there_are(roles: Roles) -> None:
    made = {f["FunctionName"] for f in roles.template.of_type("AWS::Lambda::Function").values() if "FunctionName" in f}
    assert {f"automate-mlops-{step}" for step in LEDGER_RIGHTS} == made
    named = {kind for rights in LEDGER_RIGHTS.values() for kinds in rights.by_action().values() for kind in kinds}
    assert named == set(KINDS)

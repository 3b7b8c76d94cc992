"""docs/rights.md with docs/rights.json, and docs/removal.md: what was measured, for people and for a test."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ops import people
from tests.rights import reasons
from tests.rights.removal import Missed
from tests.rights.usage import Comparison, Right, Statement, rights

DOCS = Path(__file__).resolve().parents[2] / "docs"
RECORD = DOCS / "rights.json"
_HASH = re.compile(r"(?<=[a-z])[0-9A-F]{8}\b")
_PHYSICAL_ROLE = re.compile(r":role/\S*?(\w+Role)[0-9A-F]*(-\w+)*$")
_FRAMEWORK = re.compile(r"function:(?:automate-mlops-)?(EndpointProviderframework[A-Za-z]+?)[0-9A-F]{8,}")
_WAITER = re.compile(r"(?:automate-mlops-)?(EndpointProviderwaiterstatemachine)[-0-9A-F]+")
_SOURCEDIR = re.compile(r"(?<=/)[0-9a-f]{64}\.gz$")

_HEAD = """# What each role may do, and what it did

Measured on {day} by `make rights-report`: the whole stack on the local cloud, IAM enforced for every role, the state
machine's own too. The story: a run without data, models that go live one after another, files that cannot be used, a
poisoned file that is held, vouched for and rejected, executions that are aborted while they train and while they judge,
a server that does not start, training that fails until the data is given up, a model that a person approves and one
that a person rejects, and a stack that is deleted while one waits and another is trained.

A right is one action on one resource of a policy (of the ledger: on one kind of facts). {rights} rights of {roles}
roles: {used} were used. The other {unused} have a reason below (`tests/rights/reasons.py`; a test finds a right
without one, and a reason without a right). Of {statements} statements {needed} are needed: without any one of them,
something that was recorded would be refused, as evaluating it again has shown. The others grant only what has a reason.

## Not used, and why

| why it is granted all the same | role | rights |
|---|---|---|
"""
_TABLE = """
## Every right

| role | resource | used | not used |
|---|---|---|---|
"""
_REMOVAL = """# What fails without a right

Measured on {day} by `make removal-report`, on a deployed project on the local cloud with a live model: one statement
after another was really taken from its role's policy, what it is for was done, and failed; then it was given back, and
the same was not refused any more.

| role | without | on | what failed |
|---|---|---|---|
"""
_PEOPLE = """# Who may do what

`mlops policy ROLE` prints the IAM policy of a role for this account, region and project; attach it to a user, a group
or a permission set:

    ./mlops policy dropper > dropper.json
    aws iam create-policy --policy-name automate-mlops-dropper --policy-document file://dropper.json

They are printed, not deployed: an account has its users and groups already, and a project leaves nothing in IAM that
nobody uses. They are code (`ops/people.py`), so a test tries each of them.

{roles}

Who may start executions does not approve by it: what goes live with `gate.approval: manual` is asked of the registry
and of the ledger, where an approver's word arrives by the function `approve` alone. A deployer can change everything,
policies included, by the roles of `cdk bootstrap`: give it to a pipeline that people review, not to people.

Tried on {day} by `make people-report` on the local cloud, with IAM enforced: + is let through, the rest refused.

| | {names} |
|---|{dashes}
"""


def short_role(role: str) -> str:
    """A role's logical id without CDK's hash."""
    return _HASH.sub("", role)


def short_resource(resource: str) -> str:
    """A resource without account, and without what differs from one deploy to the next."""
    shown = _WAITER.sub(r"\1", _FRAMEWORK.sub(r"function:\1", resource))
    shown = _SOURCEDIR.sub("SOURCEDIR", _PHYSICAL_ROLE.sub(r":role/\1", shown))
    return _HASH.sub("", shown).replace("000000000000", "ACCOUNT")


def plain(right: Right) -> Right:
    """A right as it is in the record: the same on every deploy."""
    return Right(short_role(right.role), right.action, short_resource(right.resource), right.facts)


def write_used(found: Comparison, statements: Sequence[tuple[str, Statement]], day: str) -> list[str]:
    """Write both files; what is wrong: a right without a reason, a reason without a right, a statement too many."""
    used, unused = ({plain(right) for right in some} for some in (found.used, found.unused))
    record = {
        "measured": day,
        "used": [list(vars(right).values()) for right in sorted(used)],
        "unused": [list(vars(right).values()) for right in sorted(unused)],
    }
    RECORD.write_text(json.dumps(record, indent=0) + "\n", encoding="utf-8")
    numbers = {
        "rights": len(used | unused), "roles": len({right.role for right in used | unused}), "used": len(used),
        "unused": len(unused), "statements": len(statements), "needed": len(statements) - len(found.superfluous),
        "day": day,
    }  # fmt: skip
    text = _HEAD.format(**numbers) + "\n".join(_why(unused)) + "\n" + _TABLE + "\n".join(_each(used, unused)) + "\n"
    (DOCS / "rights.md").write_text(text, encoding="utf-8")
    wrong = [f"no reason: {right}" for right in reasons.without_reason(unused)]
    wrong += [f"stale: {said}" for said in reasons.stale(unused)]
    wrong += [f"superfluous: {role} {json.dumps(one)}" for role, one in found.superfluous if not _reasoned(role, one)]
    return wrong


def write_removal(results: Iterable[Missed], day: str) -> None:
    """Write the page."""
    lines = []
    for missed in results:
        # Whose role it is stands in the first column; where files lie while the report is made concerns nobody.
        said = re.sub(r"User: \S+ is", "is", " ".join(missed.error.split())).replace("|", "\\|")
        said = re.sub(rf"{tempfile.gettempdir()}/\S+/", "…/", said)
        one = missed.removal
        lines.append(f"| {one.role} | `{one.action}` | {one.about or 'all of it'} | {said[:250]} |")
    (DOCS / "removal.md").write_text(_REMOVAL.format(day=day) + "\n".join(lines) + "\n", encoding="utf-8")


def write_people(tried: Mapping[str, Mapping[str, bool]], day: str) -> None:
    """Write the page; `tried` is, by attempt and then by role, whether IAM let it through."""
    roles = "\n".join(f"- **{name}**: {role.purpose}" for name, role in people.ROLES.items())
    lines = [
        f"| {what} | {' | '.join('+' if let[name] else '' for name in people.ROLES)} |" for what, let in tried.items()
    ]
    head = _PEOPLE.format(roles=roles, day=day, names=" | ".join(people.ROLES), dashes=":-:|" * len(people.ROLES))
    (DOCS / "people.md").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def recorded() -> tuple[set[Right], set[Right]]:
    """(used, unused) of the last measurement."""
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    used, unused = ({Right(*values) for values in record[name]} for name in ("used", "unused"))
    return used, unused


def _reasoned(role: str, statement: Statement) -> bool:
    """Whether each right of a statement that no recorded request needs has a reason."""
    return not reasons.without_reason(plain(right) for right, _ in rights(role, statement))


def _why(unused: set[Right]) -> list[str]:
    lines = []
    for reason in reasons.REASONS:
        covered = [right for right in unused if reason.covers(right)]
        if not covered:
            continue
        what = sorted({f"`{right.action}`{f' ({right.facts})' if right.facts else ''}" for right in covered})
        roles = sorted({right.role for right in covered})
        who = ", ".join(roles) if len(roles) <= 3 else f"{len(roles)} roles: {reason.role}"
        lines.append(f"| {reason.why} | {who} | {', '.join(what)} |")
    return lines


def _each(used: set[Right], unused: set[Right]) -> list[str]:
    table: dict[tuple[str, str], tuple[dict[str, set[str]], dict[str, set[str]]]] = {}
    for some, column in ((used, 0), (unused, 1)):
        for right in some:
            cell = table.setdefault((right.role, right.resource), (defaultdict(set), defaultdict(set)))[column]
            cell[right.action].add(right.facts)
    return [
        f"| {role} | {resource} | {_cell(cells[0])} | {_cell(cells[1])} |"
        for (role, resource), cells in sorted(table.items())
    ]


def _cell(actions: dict[str, set[str]]) -> str:
    kinds = {action: " ".join(sorted(facts)).strip() for action, facts in sorted(actions.items())}
    return ", ".join(f"{action} ({facts})" if facts else action for action, facts in kinds.items())

"""`python -m tests.rights used|removal|people`: the rights of roles and people, tried on the local cloud.

`used` (make rights-report) plays the story and compares what is granted with what was used: docs/rights.md and
docs/rights.json. `removal` (make removal-report) takes rights away, one after another: docs/removal.md. `people` (make
people-report) tries the policies of `mlops policy`: docs/people.md. Exits 1 where a right is neither used nor has a
reason, where a reason is stale, where nothing failed without a right, or where a person may too much or too little.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from local.cloud import LocalCloud
from ops.people import ROLES
from tests.rights import page
from tests.rights.people import ATTEMPTS, clients_of, found, is_refused, prepare
from tests.rights.removal import REMOVALS, removed, undisturbed
from tests.rights.story import CHAPTERS, Stage, first_models, names, policies
from tests.rights.usage import compare

SETTINGS = {"OMP_NUM_THREADS": "1", "LOCAL_SAGEMAKER_INHERIT": "OMP_NUM_THREADS", "LOCAL_RECORD": "1"}


def used() -> int:
    """Play, compare, write; 1 if something is left without a reason."""
    with _stage() as stage:
        for chapter in CHAPTERS:
            if chapter is CHAPTERS[-1]:
                # The last one takes the stack down, and its roles with it.
                logical, granted = names(stage.cloud), policies(stage.cloud)
            print(f"playing: {chapter.__doc__}", flush=True)
            chapter(stage)
        asked = stage.cloud.asked()
        if keep := os.environ.get("RIGHTS_KEEP"):
            Path(keep).write_text(json.dumps([logical, granted, [one.to_json() for one in asked]]))
    of_roles = {logical[role]: statements for role, statements in granted.items() if role in logical}
    requests = [replace(one, role=logical[one.role]) for one in asked if one.role in logical]
    all_statements = [(role, one) for role, statements in of_roles.items() for one in statements]
    found = compare(of_roles, requests)
    wrong = page.write_used(found, all_statements, _today())
    print(f"{len(found.used)} rights used, {len(found.unused)} not; {len(wrong)} things wrong")
    print("\n".join([*(f"refused: {request}" for request in found.refused), *wrong]))
    return int(bool(wrong))


def removal() -> int:
    """Take the rights away; 1 if one is not missed."""
    with _stage() as stage:
        first_models(stage)
        with undisturbed(stage):
            results = []
            for one in REMOVALS:
                results.append(removed(stage, one))
                print(f"{one.role} without {one.action}: {results[-1].error[:150]}", flush=True)
    page.write_removal(results, _today())
    wrong = [f"not missed: {missed}" for missed in results if not missed.holds]
    print("\n".join(wrong))
    return int(bool(wrong))


def people() -> int:
    """Try everything with every role; 1 if it is not as it is meant."""
    tried: dict[str, dict[str, bool]] = {}
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder)) as cloud:
        found(cloud)
        prepare(cloud)
        clients = {role: clients_of(cloud, role) for role in ROLES}
        for attempt in ATTEMPTS:
            tried[attempt.what] = {role: not is_refused(attempt, clients[role]) for role in ROLES}
    page.write_people(tried, _today())
    wrong = [
        f"{attempt.what}: {role}"
        for attempt in ATTEMPTS
        for role in ROLES
        if tried[attempt.what][role] != (role in attempt.may.split())
    ]
    print(f"{len(ATTEMPTS)} things tried by {len(ROLES)} roles; {len(wrong)} not as meant", *wrong, sep="\n")
    return int(bool(wrong))


@contextmanager
def _stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        only = Path(folder) / "only"
        # A server's environment has nothing of ours, so its command brings it.
        serve = shlex.join(["env", f"FRAGILE={only}", sys.executable, "-m", "tests.e2e.fragile_server"])
        with LocalCloud(Path(folder) / "cloud", settings={**SETTINGS, "LOCAL_SAGEMAKER_SERVE": serve}) as cloud:
            cloud.bootstrap()
            yield Stage(cloud, Path(folder) / "base", only)


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


COMMANDS: dict[str, Callable[[], int]] = {"used": used, "removal": removal, "people": people}

if __name__ == "__main__":
    sys.exit(max(COMMANDS[name]() for name in sys.argv[1:] or COMMANDS))

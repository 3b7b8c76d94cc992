"""Functions on the local cloud get what AWS gives them: their package, Lambda's surroundings, and not more."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import pytest

from local.cdk import CdkError
from local.cloud import LocalCloud
from local.functions.modules import RUNTIME, PackageError, folder, pins
from tests.local import builders
from tests.local.conftest import SETTINGS

pytestmark = pytest.mark.slow

FUNCTION = (builders.PROGRAMS / "function.py").read_text(encoding="utf-8")
PYDANTIC = "\n".join(
    f"{name}=={version(name)}"
    for name in ("annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection")
)
APP = (sys.executable, "-m", "tests.local.programs.broken_app")


@pytest.fixture(scope="module")
def function_role(small_cloud: LocalCloud) -> str:
    return builders.role(small_cloud, builders.unique("functions"), builders.allow("logs:*"), service="lambda")


def made(cloud: LocalCloud, role: str, files: dict[str, str], *, timeout: int = 30, name: str = "") -> str:
    """Create a function of these files; its name."""
    name, buffer = name or builders.unique("function"), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=timeout,
        MemorySize=192,
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"OWN": "1"}},
    )
    return name


def ask(cloud: LocalCloud, name: str, **event: Any) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def test_a_function_has_lambdas_environment_and_not_the_machines(
    small_cloud: LocalCloud, function_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION})
    found = ask(small_cloud, name, do="environment")
    variables = found["variables"]
    assert variables["OWN"] == "1"
    assert {"HOME", "USER", "LOGNAME", "SHELL", "PWD", "VIRTUAL_ENV", "PYTHONPATH", "CI", "GATEWAY_PORT"}.isdisjoint(
        variables
    )
    assert not [key for key in variables if key.startswith(("LOCAL_", "S3_"))]
    assert variables["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert (variables["LANG"], variables["TZ"], found["time_zone"]) == ("en_US.UTF-8", ":UTC", "UTC")
    assert (variables["_HANDLER"], variables["AWS_EXECUTION_ENV"]) == ("index.handler", "AWS_Lambda_python3.13")
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "192"
    assert variables["LAMBDA_TASK_ROOT"] == found["directory"]
    assert (found["files"], found["encoding"]) == (1024, "utf-8")
    assert 0 < found["seconds"] <= 30


def test_a_function_imports_lambdas_modules_and_nothing_that_lies_here(
    small_cloud: LocalCloud, function_role: str
) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION})
    found = ask(small_cloud, name, do="imports", names=["boto3", "dateutil.tz", "six", "pydantic", "numpy", "pip"])
    assert found == {
        **{name: name for name in ("boto3", "dateutil.tz", "six")},
        **{name: f"ModuleNotFoundError: No module named '{name}'" for name in ("pydantic", "numpy", "pip")},
    }


def test_a_function_imports_what_its_package_lists(small_cloud: LocalCloud, function_role: str) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION, "requirements.txt": PYDANTIC})
    found = ask(small_cloud, name, do="imports", names=["pydantic", "pydantic_core", "numpy"])
    assert found == {
        "pydantic": "pydantic",
        "pydantic_core": "pydantic_core",
        "numpy": "ModuleNotFoundError: No module named 'numpy'",
    }


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import numpy", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'numpy'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index': "),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("import os; os.environ['GONE']", "KeyError", "'GONE'"),
        ("import sys; sys.exit(1)", "Runtime.ExitError", "RequestId: "),
    ],
)
def test_a_function_that_cannot_start_says_so_as_lambda_does(
    small_cloud: LocalCloud, function_role: str, code: str, kind: str, message: str
) -> None:
    answer = ask(small_cloud, made(small_cloud, function_role, {"index.py": code}))
    assert answer["errorType"] == kind
    assert answer["errorMessage"].startswith(message)


def test_only_the_temporary_folder_can_be_written(small_cloud: LocalCloud, function_role: str, tmp_path: Path) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION})
    refused, written = ["Read-only file system"] * 3, ["done"] * 3
    assert ask(small_cloud, name, do="writes") == refused + written
    assert ask(small_cloud, name, do="writes", folder=str(tmp_path))[:3] == refused
    assert list(tmp_path.iterdir()) == []


def test_threads_work_and_locks_between_processes_do_not(small_cloud: LocalCloud, function_role: str) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION})
    assert ask(small_cloud, name, do="threads_and_locks") == ["0", "1", "Function not implemented"]


def test_a_function_is_frozen_between_calls(small_cloud: LocalCloud, function_role: str) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION})
    process = ask(small_cloud, name, do="sleep", seconds=0)
    builders.eventually(lambda: state(process).startswith("T"), "it stands still")
    assert ask(small_cloud, name, do="sleep", seconds=0) == process, "and goes on when it is asked again"
    builders.eventually(lambda: state(process).startswith("T"), "it stands still again")
    small_cloud.client("lambda").delete_function(FunctionName=name)
    builders.eventually(lambda: state(process) in ("", "Z"), "a frozen process ends with its function")


def test_a_function_ends_at_its_timeout(small_cloud: LocalCloud, function_role: str) -> None:
    name = made(small_cloud, function_role, {"index.py": FUNCTION}, timeout=1)
    answer = ask(small_cloud, name, do="sleep", seconds=600)
    assert answer == {"errorMessage": "Task timed out after 1.00 seconds", "errorType": "Sandbox.Timedout"}


def state(process: int) -> str:
    """What `ps` says of a process: T is stopped; "" where there is none."""
    line = ["ps", "-o", "stat=", "-p", str(process)]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture
def fresh_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path, settings=SETTINGS, app=APP).start() as cloud:
        cloud.bootstrap()
        yield cloud


def test_a_deploy_fails_where_a_function_imports_what_its_package_lacks(fresh_cloud: LocalCloud) -> None:
    """`lambdas.events.deploy` needs the gate's types; with numpy among their imports it cannot start on AWS."""
    with pytest.raises(CdkError) as failed:
        fresh_cloud.deploy({"into": "domain/gate/types.py", "imports": "numpy"})
    assert "Unable to import module 'lambdas.events.deploy': No module named 'numpy'" in str(failed.value)
    stack = fresh_cloud.client("cloudformation").describe_stacks(StackName="broken")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


# ---- the folder of links -----------------------------------------------------------


def test_lambdas_own_modules_are_boto3_and_all_that_it_needs() -> None:
    wanted = {"boto3"}
    for _ in range(5):
        wanted |= {need for name in wanted for need in needs(name)}
    assert wanted == set(RUNTIME)


def needs(name: str) -> list[str]:
    """The names in its metadata: "urllib3 (>=1.25.4,<3)" and the like, without what is only for an extra."""
    return [re.split(r"[^a-z0-9-]", line)[0] for line in requires(name) or [] if "extra ==" not in line]


def test_a_package_that_wants_another_version_than_is_installed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"the package wants pydantic 0\.1, but .* is installed: run make setup"):
        folder("pydantic==0.1", tmp_path)
    with pytest.raises(PackageError, match=r"wants no-such-thing, which is not installed here"):
        folder("no-such-thing==1", tmp_path)
    with pytest.raises(PackageError, match="name==version: 'pydantic>=2'"):
        pins("# a comment\npydantic>=2\n")
    assert list(tmp_path.glob("[!.]*[!t]")) == [], "what could not be made whole is not taken for it"

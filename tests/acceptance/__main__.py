"""`make acceptance`: the story on the local cloud; on AWS only with ACCEPT_AWS=1 and the account's number typed out.

Before it, what `make test-gpu` does on this machine's GPU, if it has one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from ops.deployment import ROOT, aws_session
from tasks.settings import of_project
from tests.acceptance import costs, record
from tests.acceptance.overlay import on_aws
from tests.gpu import NO_GPU

HERE = str(Path(__file__).parent)


def main() -> int:
    """Play it, and write down what AWS confirmed; pytest's exit code, or 2 where it may not begin."""
    if os.environ.get("ACCEPT_AWS") != "1":
        print("On the local cloud: this says nothing about AWS, and docs/validated.md stays as it is.")
        print("On an account: ACCEPT_AWS=1 ACCEPT_ACCOUNT=<its 12 digits> make acceptance")
        gpu = on_a_gpu()
        return int(pytest.main([HERE])) or gpu
    try:
        account, region = allowed()
    except NotAllowedError as error:
        print(error, file=sys.stderr)
        return 2
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
    overlay = on_aws(account, region)
    settings = of_project(overlay).model_validate(overlay)
    try:
        print(costs.told(costs.most(settings)))
    except costs.NoPriceError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Project {settings.project}, in {region}; all that it makes is deleted at the end, its data too.")
    gpu = on_a_gpu()
    notebook = record.Notebook()
    # The plugin's name is how the fixtures find it.
    code = int(pytest.main([HERE, "--accept-aws", "--timeout", "28800"], plugins=[Named(notebook)]))
    record.add(
        record.Record(
            "aws", f"{datetime.now(UTC):%Y-%m-%d}", region, commit(), notebook.tests, notebook.facts, notebook.words
        )
    )
    print(f"Written: {record.PAGE.relative_to(ROOT)}")
    return code or gpu


def on_a_gpu() -> int:
    """What `make test-gpu` ends with; 0 where it has said that there is no GPU."""
    status = subprocess.run([sys.executable, "-m", "tests.gpu"], cwd=ROOT, check=False).returncode
    return 0 if status == NO_GPU else status


class NotAllowedError(Exception):
    """Nothing may be made in the account; the message says what is missing."""


def allowed() -> tuple[str, str]:
    """(account, region) that the environment leads to. Raises NotAllowedError unless the account was typed out."""
    typed = os.environ.get("ACCEPT_ACCOUNT", "")
    try:
        session = aws_session()
        if session.region_name is None:
            raise NotAllowedError("No AWS region: export AWS_REGION")
        found = str(session.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise NotAllowedError(f"AWS cannot be asked whose credentials these are: {error}") from error
    if not typed:
        raise NotAllowedError("ACCEPT_ACCOUNT must be the number of the account, typed out: it costs money.")
    if typed != found:
        raise NotAllowedError(f"ACCEPT_ACCOUNT is {typed}, but the credentials are of another account.")
    return found, session.region_name


class Named:
    """Registers the notebook under the name that the fixtures ask for."""

    def __init__(self, notebook: record.Notebook) -> None:
        self._notebook = notebook

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register it."""
        config.pluginmanager.register(self._notebook, "notebook")


def commit() -> str:
    """The commit that ran, with a plus if the tree differed from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return said.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

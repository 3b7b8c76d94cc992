"""The real CDK CLI against the local cloud: the template that `cdk deploy` would send to AWS, and nothing else.

The CLI gets a home of its own (it caches account numbers by access key there) and needs no wrapper:
AWS_ENDPOINT_URL alone leads it here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class CdkError(Exception):
    """The CLI failed; the text ends with its last output."""


class Cdk:
    """Runs `bootstrap`, `deploy` and `destroy` of one CDK app."""

    def __init__(self, root: Path, directory: Path, environment: Mapping[str, str], app: Sequence[str]) -> None:
        """`root` holds node_modules and the app; `directory` is where its output and its home go."""
        self._root, self._directory, self._app = root, directory, list(app)
        bin_directory = str(Path(sys.executable).parent)
        self._environment = {
            **environment,
            "HOME": str(directory / "home"),
            "PATH": f"{bin_directory}:{environment['PATH']}",
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(root / ".cache" / "jsii"),
            # Node 20 works but prints a banner of its end of life.
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def bootstrap(self, account: str, region: str) -> None:
        """Create the bootstrap stack. Raises CdkError."""
        self._run("bootstrap", f"aws://{account}/{region}", context=None, with_app=False)

    def deploy(self, overlay: Mapping[str, Any] | None) -> dict[str, str]:
        """Deploy every stack and return their outputs by name. Raises CdkError."""
        outputs = self._directory / "outputs.json"
        self._run(
            "deploy",
            "--all",
            "--require-approval",
            "never",
            "--import-existing-resources",
            "--progress",
            "events",
            "--outputs-file",
            str(outputs),
            context=overlay,
        )
        stacks = json.loads(outputs.read_text()) if outputs.exists() else {}
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def destroy(self, overlay: Mapping[str, Any] | None) -> None:
        """Delete every stack. Raises CdkError."""
        self._run("destroy", "--all", "--force", context=overlay)

    def _run(self, command: str, *arguments: str, context: Mapping[str, Any] | None, with_app: bool = True) -> None:
        cdk = self._root / "node_modules" / ".bin" / "cdk"
        if not cdk.exists() or shutil.which("node", path=self._environment["PATH"]) is None:
            raise CdkError(f"the CDK CLI is not installed: run `npm ci` in {self._root} (with Node.js on the PATH)")
        (self._directory / "home").mkdir(parents=True, exist_ok=True)
        line = [str(cdk), command, *arguments, "--no-notices", "--ci", "--no-version-reporting"]
        if with_app:
            line += ["--app", " ".join(self._app), "--output", str(self._directory / "cdk.out"), "-c", "local=true"]
            if context is not None:
                overlay = self._directory / "overlay.json"
                overlay.write_text(json.dumps(context))
                line += ["-c", f"overlay={overlay}"]
        # bootstrap reads cdk.json where it runs, and would synthesize the app for nothing.
        result = subprocess.run(
            line,
            cwd=self._root if with_app else self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        (self._directory / f"{command}.log").write_text(result.stdout + result.stderr)
        if result.returncode:
            raise CdkError(f"cdk {command} failed:\n{(result.stdout + result.stderr)[-4000:]}")

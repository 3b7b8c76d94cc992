"""The file system that a training container sees under /opt/ml, in a directory of its own.

SAGEMAKER_BASE_DIR moves /opt/ml for the toolkit and for the script (children inherit it). The toolkit itself, the
very one of AWS's images, decodes hyperparameters, fetches the code, sets SM_* and writes the failure file.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

OPT_ML = "/opt/ml/"
MAX_REASON = 1024
"""DescribeTrainingJob shows the first 1024 characters of the failure file (SageMaker Developer Guide,
`your-algorithms-training-algo-output`)."""


class Container:
    """One attempt's /opt/ml."""

    def __init__(self, root: Path, request: dict[str, Any]) -> None:
        self.root, self._request = root, request
        self.data, self.model, self.output = root / "input" / "data", root / "model", root / "output"
        local = request.get("CheckpointConfig", {}).get("LocalPath", f"{OPT_ML}checkpoints")
        self.checkpoints = root / local.removeprefix(OPT_ML).strip("/")
        self.log = root / "log.txt"
        # /root in AWS's image: empty, whatever this machine's user has in caches and configuration files.
        self.home = root / "home"

    def prepare(self) -> None:
        """Make the directories and write input/config/*.json as the platform does."""
        config = self.root / "input" / "config"
        for directory in (
            config,
            self.data,
            self.model,
            self.output / "data",
            self.root / "code",
            self.checkpoints,
            self.home,
        ):
            directory.mkdir(parents=True)
        instance = self._request["ResourceConfig"]["InstanceType"]
        # A host name that resolves: with AWS's "algo-1" the toolkit waits up to 15 minutes for DNS.
        resources = {
            "current_host": "localhost",
            "hosts": ["localhost"],
            "network_interface_name": "lo",
            "current_instance_type": instance,
            "current_group_name": "homogeneousCluster",
            "instance_groups": [
                {
                    "instance_group_name": "homogeneousCluster",
                    "instance_type": instance,
                    "hosts": ["localhost"],
                }
            ],
        }
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
            for channel in self._request.get("InputDataConfig", [])
        }
        for name, content in (
            ("hyperparameters", self._request.get("HyperParameters", {})),
            ("resourceconfig", resources),
            ("inputdataconfig", channels),
        ):
            (config / f"{name}.json").write_text(json.dumps(content))

    def environment(self) -> dict[str, str]:
        """Variables of the container, before the role's credentials and the request's own map."""
        return {
            "SAGEMAKER_BASE_DIR": str(self.root),
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
            # As AWS's image sets them (deep-learning-containers, Dockerfile.gpu of pytorch training).
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "UTF-8",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            # The toolkit pip-installs the code's requirements.txt, which finds each pin in place: nothing to ask for.
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            # Not in AWS's image, where a job has its machine to itself. On a laptop that does other things too, threads
            # that spin while they wait for each other cost most of the speed.
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def failure_reason(self, exit_code: int) -> str:
        """FailureReason of a job that ended with this exit code (128 + n when killed by signal n)."""
        path = self.output / "failure"
        text = path.read_text("utf-8", "replace").strip() if path.exists() else ""
        suffix = f", exit code: {exit_code}"
        return f"AlgorithmError: {text}"[: MAX_REASON - len(suffix)] + suffix


def pack(directory: Path, into: Path) -> bool:
    """Tar the files of a directory, members relative to it; False when there are none."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    if not files:
        return False
    # Level 1: int8 weights hardly compress, and the time counts against the job.
    with tarfile.open(into, "w:gz", compresslevel=1) as tar:
        for path in files:
            tar.add(path, arcname=str(path.relative_to(directory)))
    return True

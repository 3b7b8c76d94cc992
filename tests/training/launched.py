"""Training jobs in processes of their own: one, or two under torchrun.

The launcher is torchrun, as in AWS's toolkit (sagemaker_training/torch_distributed.py); gloo stands in for NCCL.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.training.job import ROOT, Job

# In seconds: many times what the slowest needs.
PATIENCE = 300
TORCHRUN = str(Path(sys.executable).with_name("torchrun"))
TWO = [TORCHRUN, "--standalone", "--nproc_per_node", "2"]


def run(job: Job, processes: int, *, killed: bool = False) -> str:
    """Run the job, two processes under torchrun, and kill the first while it seals step 24; what was printed."""
    launcher = TWO if processes == 2 else [sys.executable]
    script = ["-m", "tests.training.killed", "sealed.json.partial", "4"] if killed else ["training/train.py"]
    code, said = ended(started(job, [*launcher, *script, *job.argv]))
    assert (code != 0) is killed, said
    return said


def run_on_two_machines(jobs: Sequence[Job]) -> None:
    """Run one job on two machines, each with its own /opt/ml, as the toolkit starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machines = [
        started(
            job,
            [
                *(TORCHRUN, "--nnodes", "2", "--nproc_per_node", "1", "--node_rank", str(rank)),
                *("--master_addr", "127.0.0.1", "--master_port", str(port), "training/train.py", *job.argv),
            ],
        )
        for rank, job in enumerate(jobs)
    ]
    codes, said = zip(*(ended(machine) for machine in machines), strict=True)
    assert codes == (0, 0), "\n".join(said)


def started(job: Job, command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**job.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(launched: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it printed. A launcher whose processes wait for one another in vain has to end them."""
    try:
        said, _ = launched.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        launched.terminate()
        said, _ = launched.communicate()
        said += f"\nstill running after {PATIENCE} s"
    return launched.returncode, said

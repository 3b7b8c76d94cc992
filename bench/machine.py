"""Which machine the figures are of: without that they say nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

# What decides how fast int8 and fp32 products are (onnxruntime's MLAS and oneDNN choose kernels by them).
_TELLING: Final = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_PACKAGES: Final = ("numpy", "onnxruntime", "scikit-learn", "tokenizers", "torch", "transformers", "waitress")


@dataclass(frozen=True)
class Machine:
    """CPU (`flags`: of the telling ones, those it has), cores that may be used, memory in GB, versions, and the day.

    `load` is how many processes wanted a core in the minute before (getloadavg(3)): of a busy machine only ratios tell.
    """

    cpu: str
    flags: tuple[str, ...]
    cores: int
    memory_gb: float
    kernel: str
    python: str
    packages: dict[str, str]
    date: str
    load: float

    def __str__(self) -> str:
        flags = " ".join(self.flags) or "none of " + " ".join(_TELLING)
        return (
            f"{self.cpu} ({flags}), {self.cores} cores, {self.memory_gb:.0f} GB, Python {self.python}, {self.date}, "
            f"load {self.load:.1f} beforehand"
        )


def this_machine() -> Machine:
    """The machine that this runs on; Linux's /proc/cpuinfo names the CPU, elsewhere `platform` does."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    return Machine(
        cpu=facts.get("model name") or platform.processor() or platform.machine(),
        flags=tuple(flag for flag in _TELLING if flag in flags),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES},
        date=datetime.now(UTC).date().isoformat(),
        load=os.getloadavg()[0],
    )

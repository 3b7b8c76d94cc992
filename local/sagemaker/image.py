"""The environment of a model server: that of the serving image, what SageMaker adds to it, and nothing of this machine.

A container knows nothing of who started it. So neither does the process that stands for it here: what the image lacks
(a variable, a locale, a home) must be lacking here, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.sagemaker.options import ROOT

DOCKERFILE: Final = ROOT / "serving" / "Dockerfile"
# Python's image has it, and AWS's training image too; interpreters and toolkit are given with their paths.
PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(role: Mapping[str, str], given: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """The variables of a server: `role` has its credentials, `given` is the model's Environment.

    Files lie elsewhere here than in a container: /opt/serving is this repository, /tmp is `temporary`. And it listens
    to this machine alone.
    """
    moved = {"PYTHONPATH": str(ROOT), "HOME": str(temporary), "TMPDIR": str(temporary), "HOST": "127.0.0.1"}
    credentials = {name: value for name, value in role.items() if name.startswith("AWS_")}
    return {"PATH": PATH, **of_image(), **moved, **credentials, **given}


def of_image() -> dict[str, str]:
    """What the Dockerfile's ENV instructions say; it is their only author."""
    return dict(re.findall(r"^(?:ENV| ) +([A-Z_]+)=(\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE))

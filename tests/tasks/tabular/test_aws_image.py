"""What AWS's PyTorch image lacks beside HuggingFace's, the job of a table does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# In HuggingFace's image, in the project's environment, or in neither image.
LACKING = ("accelerate", "aws_cdk", "datasets", "pydantic", "tokenizers", "transformers")
IMPORT = f"""
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LACKING!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nothing())
import tasks.tabular.train, tasks.tabular.training.graph, training.train
"""


def test_the_job_does_without() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

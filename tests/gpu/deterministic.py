"""Runs the training script with kernels that give the same bits each time: python -m tests.gpu.deterministic ARGUMENT…

Without them two runs on a GPU differ, and none that was resumed could be compared with one that was left alone.
"""

from __future__ import annotations

import sys

from transformers import enable_full_determinism

from training.train import main

if __name__ == "__main__":
    enable_full_determinism(0)
    main(sys.argv[1:])

"""Baseline: AWS's HuggingFace inference toolkit over multi-model-server. `python toolkit.py FOLDER`.

What AWS's image does at start, with one file redirected: the server's configuration goes to FOLDER instead of /etc.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Serve FOLDER/model until killed; port and number of workers come from SageMaker's environment variables."""
    from sagemaker_huggingface_inference_toolkit import mms_model_server, serving
    from sagemaker_inference import model_server

    model_server.MMS_CONFIG_FILE = mms_model_server.MMS_CONFIG_FILE = str(folder / "mms.properties")
    serving.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A CDK app that writes its environment to a file and synthesizes nothing."""

import json
import os
import sys
from pathlib import Path

Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)))
sys.exit(1)

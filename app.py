"""Settings to stack; `cdk synth` runs this."""

from __future__ import annotations

import sys

from aws_cdk import App

from stacks.build import build, context
from stacks.cdk_json import SettingsError

if __name__ == "__main__":
    app = App(context=context())
    try:
        build(app)
    except SettingsError as error:
        sys.exit(str(error))
    app.synth()

"""`cdk bootstrap`: whether the account and region have what `cdk deploy` uploads to, and new enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "bootstrap"
# The version that the stack's own assembly asks for (a test compares); its qualifier is the CDK's default.
NEEDED: Final = 8
PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"


def version(about: Surroundings) -> Iterator[Finding]:
    """Whether the bootstrap stack is there, and its version. Raises botocore's errors."""
    ssm, fix = about.client("ssm"), f"npx cdk bootstrap aws://{about.account}/{about.region}"
    try:
        found = int(ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        sentence = f"{about.account} is not bootstrapped in {about.region}; make deploy does it."
        yield Finding(AREA, "version", Level.WRONG, sentence, fix)
        return
    if found < NEEDED:
        yield Finding(AREA, "version", Level.WRONG, f"It is version {found}, and {NEEDED} is needed.", fix)
    else:
        yield Finding(AREA, "version", Level.FINE, f"Version {found}; {NEEDED} is needed.")

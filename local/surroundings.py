"""What the processes of the local cloud get from the machine around them: named variables, a folder, a port."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost")
NAMED: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    # How this machine reaches the network: the hub's weights come from there.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""All that passes from the user's environment; tokens and settings of other tools do not."""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The named variables alone, and nothing that could lead to the real AWS or, for loopback, to a proxy."""
    return {
        **{name: environment[name] for name in NAMED if name in environment},
        **unproxied(environment),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def unproxied(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY and no_proxy as `environment` has them, with loopback among them.

    Both, and always: programs differ in which one they read, and some ask the operating system where neither is set.
    """
    named = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host.strip() for host in named.split(",") if host.strip()]
    value = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])
    return {"NO_PROXY": value, "no_proxy": value}


def private_folder(path: Path) -> Path:
    """Make a folder, and its parents, that nobody but its owner may look into; `path`."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

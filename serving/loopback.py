"""A server that listens to its own machine alone answers that machine's programs, and no web page in its browser.

In SageMaker's container it listens to the network, and only SageMaker asks it, under whatever name. On a laptop
any page that is open may send requests to 127.0.0.1, and read the answers where a name of its own leads there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


def guarded(application: WSGIApplication, host: str) -> WSGIApplication:
    """`application` as it is, or, where `host` (the address it listens on) is loopback, for this machine's programs.

    What comes with an Origin, or under a Host that is not the machine's own, is answered 403. A browser always names
    a Host.
    """
    # Not by `ipaddress`, whose import takes 10 ms of a cold start.
    if not host.startswith("127.") and host != "::1":
        return application

    def own(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        named = re.sub(r":\d+$", "", environ.get("HTTP_HOST", "localhost"))
        if named.lower() in _NAMES and "HTTP_ORIGIN" not in environ:
            return application(environ, start_response)
        body = json.dumps({"error": "this server answers to programs of its own machine alone"}).encode()
        start_response("403 Forbidden", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return own

"""How the local cloud's own process is asked for what AWS lacks: over HTTP, signed as everything else is."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# What no control route takes is answered as S3 answers.
_SERVICE = "s3"
_SECONDS = 10


@dataclass(frozen=True)
class Control:
    """The control routes of the cloud at `url` (http://127.0.0.1:port), for whoever holds its root key."""

    url: str
    region: str
    key: str
    secret: str = field(repr=False)

    def ask(self, method: str, path: str, content: str = "") -> tuple[int, bytes]:
        """(status, body) of one request. Raises OSError or http.client.HTTPException when nobody answers."""
        request = AWSRequest(method, self.url + path, data=content.encode())
        SigV4Auth(Credentials(self.key, self.secret), _SERVICE, self.region).add_auth(request)
        # http.client knows of no proxy.
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=_SECONDS)
        try:
            connection.request(method, path, content, dict(request.headers.items()))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

"""A stand-in for Service Quotas, which the local cloud lacks: the wire format is botocore's, the values are ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SPOT = ("sagemaker", "L-944F78BB", "ml.g4dn.xlarge for spot training job usage")
ON_DEMAND = ("sagemaker", "L-3F53BF0F", "ml.g4dn.xlarge for training job usage")
CONCURRENCY = (
    "sagemaker",
    "L-96300102",
    "Maximum total concurrency that can be allocated across all serverless endpoints",
)
ENDPOINTS = ("sagemaker", "L-00000001", "Maximum number of serverless endpoints")
FUNCTIONS = ("lambda", "L-B99A9384", "Concurrent executions")
Quota = tuple[str, str, str]
PLENTY: Mapping[Quota, float] = {SPOT: 1, ON_DEMAND: 1, CONCURRENCY: 10, ENDPOINTS: 5, FUNCTIONS: 1000}


@dataclass
class Quotas:
    """The applied values, and the defaults of those that were never changed. `refuses` answers all with an error."""

    url: str = ""
    applied: dict[Quota, float] = field(default_factory=lambda: dict(PLENTY))
    defaults: dict[Quota, float] = field(default_factory=dict)
    refuses: str = ""

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """(HTTP status, body) of one operation."""
        if self.refuses:
            return 400, {"__type": self.refuses, "Message": "no"}
        values = self.defaults if "Default" in operation else self.applied
        listed = [_item(quota, value) for quota, value in values.items() if quota[0] == asked["ServiceCode"]]
        if operation.startswith("List"):
            # Pages of two, so that what is wanted is on a later one.
            start = int(asked.get("NextToken", 0))
            rest = {"NextToken": str(start + 2)} if start + 2 < len(listed) else {}
            return 200, {"Quotas": listed[start : start + 2], **rest}
        found = [quota for quota in listed if quota["QuotaCode"] == asked["QuotaCode"]]
        return (200, {"Quota": found[0]}) if found else (400, {"__type": "NoSuchResourceException", "Message": "none"})


@contextmanager
def running(quotas: Quotas) -> Iterator[Quotas]:
    """The stand-in on a port of its own; `quotas.url` is for AWS_ENDPOINT_URL_SERVICE_QUOTAS."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            status, content = quotas.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        quotas.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield quotas
        finally:
            server.shutdown()
            thread.join()


def _item(quota: Quota, value: float) -> dict[str, Any]:
    service, code, name = quota
    return {"ServiceCode": service, "QuotaCode": code, "QuotaName": name, "Value": value, "Adjustable": True}

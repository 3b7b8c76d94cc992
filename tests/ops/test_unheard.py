"""As long as nobody confirmed the address, each command that looks at a deployment says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain import layout
from local.cloud import LocalCloud
from ops.__main__ import app

# What SNS lists of an address that waits: the local cloud confirms each by itself.
WAITING = b"""<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult>
<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn><Protocol>email</Protocol>
<Endpoint>a@example.org</Endpoint><Owner>1</Owner><TopicArn>t</TopicArn></member></Subscriptions>
</ListSubscriptionsByTopicResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</ListSubscriptionsByTopicResponse>"""


class Sns(BaseHTTPRequestHandler):
    """A stand-in that knows one answer."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(WAITING)))
        self.end_headers()
        self.wfile.write(WAITING)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sns() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Sns) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_command_says_whose_address_is_not_confirmed(
    tmp_path: Path, sns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalCloud(tmp_path) as cloud:
        cloud.client("dynamodb").create_table(
            TableName=layout.ledger("heard"),
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        heard = CliRunner().invoke(app, ["runs", "--project", "heard"])
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", sns)
        unheard = CliRunner().invoke(app, ["runs", "--project", "heard"])
    assert (heard.exit_code, heard.stderr) == (0, "")
    assert (unheard.exit_code, unheard.stdout) == (0, heard.stdout)
    assert unheard.stderr.startswith("a@example.org gets no notifications yet")

"""Who may ask the local cloud: programs that sign with a key which it gave out, by this machine's own name.

A browser sends requests to 127.0.0.1 for any page that asks it to, and other users and programs of this machine can
send them, too. So every request needs
- a Host that is this machine's own: else a page's own name leads here, and it may read the answer (DNS rebinding);
- no Origin: browsers send it with all that a script or a form asks for, and no tool of AWS does;
- a signature: an image's address comes without Origin, and 1.5.33 takes the keys "test", any account number and its
  own root key for root without a look at the signature.
What AWS lacks (`/_ministack/…`, `/_local/…`) takes the root key's signature alone, so that no function and no job can
reset the cloud that it runs on.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, quote

from ministack.core import iam_evaluator, responses, router, sigv4

from local.ministack import asgi
from local.ministack.asgi import Asgi, Receive, Scope, Send
from local.surroundings import LOOPBACK

ANSWERED: Final = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{36}")
"""Where a custom resource answers. On AWS it is a presigned URL; here the random token in it is the secret."""
_OWN: Final = ("/_", "/health")
"""How the control routes begin. No bucket's name begins with an underscore."""
_CHUNKS: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class Refusal(Exception):
    """Why a request is not let in: a code and words as AWS has them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def guarded(inner: Asgi, port: int) -> Asgi:
    """`inner` behind the checks; `port` is where the cloud listens. WebSockets, which nothing here uses, are closed."""
    hosts = {f"{name}:{port}" for name in LOOPBACK}

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await inner(scope, receive, send)
        elif scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = asgi.headers_of(scope)
            try:
                _from_this_machine(headers, hosts)
                receive = await _signed(scope, headers, receive)
            except Refusal as refusal:
                service = _service(headers)
                await asgi.answer(send, 403, *asgi.error(service, refusal.code, refusal.message))
                return
            await inner(scope, receive, send)

    return front


def _from_this_machine(headers: dict[str, str], hosts: set[str]) -> None:
    """Raises Refusal."""
    if headers.get("host", "").lower() not in hosts:
        raise Refusal("AccessDenied", "The local cloud answers to 127.0.0.1 and localhost alone.")
    if "origin" in headers:
        raise Refusal("AccessDenied", "The local cloud takes no requests of a web page.")


async def _signed(scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
    """Check the signature, which needs the body unless the request names its hash; what hands the body on.

    Raises Refusal.
    """
    if scope["method"] == "PUT" and ANSWERED.fullmatch(scope["path"]):
        return receive
    body, named = b"", headers.get("x-amz-content-sha256", "")
    if not named or named.startswith(_CHUNKS):
        body = await asgi.read_body(receive)
        receive = asgi.replayed(body, receive)
    key = _signer(scope, headers, body)
    if scope["path"].startswith(_OWN) and not iam_evaluator.is_root_access_key(key):
        raise Refusal("AccessDenied", "The control routes take the local cloud's own key.")
    return receive


def _signer(scope: Scope, headers: dict[str, str], body: bytes) -> str:
    """The access key whose secret made the request's one signature. Raises Refusal."""
    query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    presigned = "authorization" not in headers
    if presigned and "X-Amz-Signature" not in query:
        raise Refusal("MissingAuthenticationToken", "The request has no signature (version 4).")
    parsed = sigv4.parse_query_signature(query) if presigned else sigv4.parse_header_signature(headers)
    if isinstance(parsed, tuple):
        raise Refusal(*parsed)
    # What MiniStack takes for the caller must be who signed, however many credentials a request names.
    if parsed.access_key_id != router.extract_access_key_id(headers, query) or parsed.region_set is not None:
        raise Refusal("IncompleteSignature", "The request has several signatures, or one of another version than 4.")
    if "host" not in parsed.signed_headers.split(";"):
        raise Refusal("IncompleteSignature", "The Host is not signed.")
    _in_time(parsed, query, presigned=presigned)
    secret = _secret(parsed.access_key_id, headers, query, presigned=presigned)
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    failure = sigv4.header_signature_failure(
        parsed, secret, scope["method"], raw_path, query, headers, body, presigned=presigned
    )
    if failure:
        raise Refusal(*failure)
    return str(parsed.access_key_id)


def _in_time(parsed: sigv4.HeaderSignature, query: dict[str, list[str]], *, presigned: bool) -> None:
    """Raises Refusal."""
    if not presigned:
        if skewed := sigv4.request_time_failure(parsed):
            raise Refusal(*skewed)
        return
    try:
        expired = sigv4.presigned_request_is_expired(parsed.amz_date, query.get("X-Amz-Expires", [""])[0])
    except ValueError:
        expired = True
    if expired:
        raise Refusal("AccessDenied", "Request has expired")


def _secret(key: str, headers: dict[str, str], query: dict[str, list[str]], *, presigned: bool) -> str:
    """The secret of a key that this cloud gave out. Raises Refusal."""
    token = query.get("X-Amz-Security-Token", [""])[0] if presigned else headers.get("x-amz-security-token", "")
    try:
        account = responses._account_from_sts_session(key) or iam_evaluator.find_iam_access_key_account(key)
    except iam_evaluator.AmbiguousAccessKeyError as error:
        raise Refusal("InvalidClientTokenId", "The access key has two owners.") from error
    found = iam_evaluator.resolve_credential(key, account, token)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise Refusal(found.code, found.message)
    return str(found.secret_access_key)


def _service(headers: dict[str, str]) -> str:
    """The service that a request is meant for, as its signature names it; "" for none."""
    parsed = sigv4.parse_header_signature(headers)
    return "" if isinstance(parsed, tuple) else str(parsed.service)

"""The service: one request in, one answer out, in the wire formats of SageMaker and SageMaker Runtime.

Operations that AWS has and the local cloud lacks answer as AWS answers what it does not know.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from local.sagemaker import validation
from local.sagemaker.endpoints import Endpoints
from local.sagemaker.errors import ApiError
from local.sagemaker.models import Models
from local.sagemaker.options import Options
from local.sagemaker.platform import Platform
from local.sagemaker.records import Tags
from local.sagemaker.registry import Registry
from local.sagemaker.training import Training

Response = tuple[int, dict[str, str], bytes]
INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")
CONTROL = "/_local/sagemaker/"
_JOB = re.compile(r"training-jobs/([^/]+)(/interrupt)?")
_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class SageMaker:
    """The whole service. `Authorize` hooks of the surrounding cloud run before `call`."""

    def __init__(self, platform: Platform, options: Options) -> None:
        self.tags = Tags()
        self.models = Models(platform, self.tags)
        self.training = Training(platform, options, self.tags)
        self.endpoints = Endpoints(platform, options, self.tags, self.models)
        registry = Registry(platform, self.tags)
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            **self.models.operations,
            **self.training.operations,
            **self.endpoints.operations,
            **registry.operations,
            **self.tags.operations,
        }

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One operation of the control plane, validated. Raises ApiError."""
        validation.check(operation, request)
        function = self.operations.get(operation)
        if function is None:
            raise ApiError("UnknownOperationException", f"{operation} is not part of the local cloud.", 404)
        return function(request)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer an HTTP request; header names are lower case."""
        try:
            invocation = INVOCATIONS.fullmatch(path)
            if invocation and method == "POST":
                return self._invoke(unquote(invocation[1]), body, headers)
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            try:
                request = json.loads(body or b"{}")
            except ValueError as error:
                raise ApiError("SerializationException", str(error)) from error
            return 200, {"Content-Type": "application/x-amz-json-1.1"}, _json(self.call(operation, request))
        except ApiError as error:
            # The runtime is REST-JSON: botocore reads the code from the header there, from __type here.
            content = {
                "__type": error.code,
                "message": error.message,
                "Message": error.message,
                **error.fields,
            }
            return (
                error.status,
                {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code},
                _json(content),
            )

    def _invoke(self, name: str, body: bytes, headers: Mapping[str, str]) -> Response:
        passed = {
            "Content-Type": headers.get("content-type", "application/octet-stream"),
            "Accept": headers.get("accept", "*/*"),
        }
        if _ATTRIBUTES.lower() in headers:
            passed[_ATTRIBUTES] = headers[_ATTRIBUTES.lower()]
        answer, variant = self.endpoints.invoke(name, body, passed)
        # Whatever else the container says in headers is lost, as on AWS (InvokeEndpoint's output in the API Reference).
        kept = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant}
        if answer.custom_attributes is not None:
            kept[_ATTRIBUTES] = answer.custom_attributes
        return 200, kept, answer.body

    def control(self, method: str, path: str) -> Response:
        """The local-only paths, which AWS lacks.

        GET training-jobs/<name> tells pid and attempts; POST training-jobs/<name>/interrupt takes the Spot instance
        away; GET endpoints/<name> tells the server's pid (null at rest).
        """
        rest = path.removeprefix(CONTROL)
        try:
            match = _JOB.fullmatch(rest)
            if match and bool(match[2]) == (method == "POST"):
                return _plain(200, self._job(match[1], interrupt=method == "POST"))
            if method == "GET" and rest.startswith("endpoints/"):
                live = self.endpoints.find(rest.partition("/")[2]).live
                return _plain(200, {"pid": live.pid() if live else None})
        except ApiError as error:
            return _plain(404, {"message": error.message})
        return _plain(404, {"message": f"no such local path: {method} {path}"})

    def _job(self, name: str, *, interrupt: bool) -> dict[str, Any]:
        job = self.training.find(name)
        if interrupt and not job.spot:
            raise ApiError("ValidationException", f"{name} is no Spot job")
        if interrupt:
            job.interrupt.set()
        process = job.process
        return {
            "name": name,
            "attempts": job.attempts,
            "pid": process.pid if process else None,
            "status": job.record["TrainingJobStatus"],
            "secondary": job.record["SecondaryStatus"],
        }

    def tend(self, every: float = 1.0) -> None:
        """Start the housekeeping thread."""

        def loop() -> None:
            pause = threading.Event()
            while not pause.wait(every):
                self.endpoints.tend()

        threading.Thread(target=loop, name="sagemaker-housekeeping", daemon=True).start()


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _plain(status: int, content: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/json"}, _json(content)

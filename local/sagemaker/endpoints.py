"""Endpoints: create, update blue/green, describe, list, delete, invoke.

An update keeps the old variant until the new one has passed its health check. When it does not, the endpoint stays
InService on the old configuration and says why in FailureReason (AWS's own state after a failed serverless update is
not documented); a new endpoint becomes Failed.
"""

from __future__ import annotations

import copy
import shutil
import tarfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import errors, image
from local.sagemaker.clients import client
from local.sagemaker.models import Models
from local.sagemaker.options import Options
from local.sagemaker.platform import Platform
from local.sagemaker.records import Table, Tags, arn, page
from local.sagemaker.server import Answer, ServerError
from local.sagemaker.telemetry import EndpointTelemetry
from local.sagemaker.variant import ReplacedError, Variant

EVENT = "SageMaker Endpoint State Change"
BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
MAX_PAYLOAD = 4 * 2**20
"""Serverless endpoints take and give 4 MB (SageMaker Developer Guide, `serverless-endpoints-invoke`)."""
QUOTA = "Maximum total concurrency that can be allocated across all serverless endpoints"
"""Its name in Service Quotas, where its code is L-96300102; 10 in many accounts."""
SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")


@dataclass
class Endpoint:
    """An endpoint's Describe record, the variant that serves, and its telemetry.

    `coming` is the MaxConcurrency that it is being created with or updated to, 0 at rest.
    """

    record: dict[str, Any]
    telemetry: EndpointTelemetry
    live: Variant | None = None
    coming: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)


class Endpoints:
    """The operations on Endpoint, and InvokeEndpoint."""

    def __init__(self, platform: Platform, options: Options, tags: Tags, models: Models) -> None:
        self._platform, self._options, self._tags, self._models = platform, options, tags, models
        self.endpoints: Table[Endpoint] = Table(platform)
        self._allocation = threading.Lock()
        self.operations = {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list,
            "DeleteEndpoint": self.delete,
        }

    def find(self, name: str) -> Endpoint:
        """The endpoint of that name. Raises ApiError(ValidationException)."""
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            raise errors.not_found("endpoint", arn(self._platform, "endpoint", name))
        return endpoint

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpoint."""
        name, config = request["EndpointName"], request["EndpointConfigName"]
        wanted = _concurrency(self._models.config(config))
        resource, now = arn(self._platform, "endpoint", name), time.time()
        record = {
            "EndpointName": name,
            "EndpointArn": resource,
            "EndpointConfigName": config,
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        endpoint = Endpoint(record, EndpointTelemetry(self._platform.service_environment(), name))
        with self._allocation:
            if self.endpoints.get(name):
                raise errors.exists("endpoint", resource)
            self._allocate(endpoint, wanted)
            self.endpoints.add(name, endpoint)
        self._tags.put(resource, request.get("Tags", []))
        self._move(endpoint, "Creating")
        self._platform.spawn(lambda: self._deploy(endpoint, config), f"endpoint-{name}")
        return {"EndpointArn": resource}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint: a configuration of another name, while InService."""
        endpoint, config = self.find(request["EndpointName"]), request["EndpointConfigName"]
        wanted = _concurrency(self._models.config(config))
        with endpoint.lock:
            status, resource = endpoint.record["EndpointStatus"], endpoint.record["EndpointArn"]
            if status in BUSY:
                raise errors.in_progress(resource)
            if status != "InService":
                raise errors.invalid(f'Cannot update endpoint "{resource}" in status {status}.')
            if config == endpoint.record["EndpointConfigName"]:
                raise errors.invalid(f'Endpoint "{resource}" already uses endpoint configuration "{config}".')
            with self._allocation:
                self._allocate(endpoint, wanted)
            endpoint.record.pop("FailureReason", None)
            self._move(endpoint, "Updating")
        self._platform.spawn(lambda: self._deploy(endpoint, config), f"endpoint-{request['EndpointName']}")
        return {"EndpointArn": resource}

    def _allocate(self, endpoint: Endpoint, wanted: int) -> None:
        """Reserve concurrency for what `endpoint` becomes. Raises ApiError(ResourceLimitExceeded).

        What is live and what is coming count together until the change is over: the worse of what AWS may do, which
        does not say how it counts an update.
        """
        used, limit = sum(map(_allocated, self.endpoints.values())), self._options.serverless_concurrency
        if used + wanted > limit:
            raise errors.limit_exceeded(QUOTA, limit, used, wanted)
        endpoint.coming = wanted

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpoint."""
        endpoint = self.find(request["EndpointName"])
        with endpoint.lock:
            return copy.deepcopy(endpoint.record)

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListEndpoints."""
        records = [endpoint.record for endpoint in self.endpoints.values()]
        if "StatusEquals" in request:
            records = [item for item in records if item["EndpointStatus"] == request["StatusEquals"]]
        return page(
            [{key: item[key] for key in SUMMARY} for item in records],
            request,
            "Endpoints",
            name="EndpointName",
        )

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint: refused while it is being created or updated."""
        endpoint = self.find(request["EndpointName"])
        with endpoint.lock:
            if endpoint.record["EndpointStatus"] in BUSY:
                raise errors.in_progress(endpoint.record["EndpointArn"])
            self._move(endpoint, "Deleting")
        self._platform.spawn(lambda: self._delete(endpoint), f"endpoint-{request['EndpointName']}")
        return {}

    def invoke(self, name: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, str]:
        """InvokeEndpoint: the container's answer and the variant's name.

        Raises:
            ApiError: ValidationError (no such endpoint, payload too large), ThrottlingException, ModelError.
        """
        endpoint = self.endpoints.get(name)
        live = endpoint.live if endpoint else None
        if endpoint is None or live is None:
            raise errors.ApiError(
                "ValidationError", f"Endpoint {name} of account {self._platform.account()} not found."
            )
        if len(body) > MAX_PAYLOAD:
            raise errors.ApiError("ValidationError", f"Request payload is above {MAX_PAYLOAD} bytes.", 413)
        variant = str(live.record["VariantName"])
        try:
            answer, timing = live.invoke(body, headers)
        except ReplacedError:
            return self.invoke(name, body, headers)
        except errors.ApiError as error:
            if error.code == "ModelError":
                endpoint.telemetry.failed(variant)
            raise
        endpoint.telemetry.answered(variant, answer.status, timing)
        if answer.status >= 400:
            raise errors.model_error(
                answer.status, answer.body.decode("utf-8", "replace")[:1000], endpoint.telemetry.log_group
            )
        if len(answer.body) > MAX_PAYLOAD:
            raise errors.model_error(
                500, f"Response payload is above {MAX_PAYLOAD} bytes.", endpoint.telemetry.log_group
            )
        return answer, variant

    def tend(self) -> None:
        """Housekeeping, every second or so: publish logs and metrics, scale idle variants to zero."""
        for endpoint in self.endpoints:
            if endpoint.live:
                endpoint.telemetry.pump()
                endpoint.live.rest()
            endpoint.telemetry.flush()

    def _deploy(self, endpoint: Endpoint, config_name: str) -> None:
        name = endpoint.record["EndpointName"]
        directory = self._options.directory / "endpoints" / f"{name}-{uuid.uuid4().hex[:8]}"
        variant, reason = None, "InternalServerError: the local cloud's own thread died"
        try:
            variant, reason = self._start(name, config_name, directory)
        finally:
            old = endpoint.live
            with endpoint.lock:
                if variant:
                    endpoint.live = variant
                    endpoint.telemetry.follow(variant.log)
                    endpoint.record.update(EndpointConfigName=config_name, ProductionVariants=[variant.summary()])
                else:
                    endpoint.record["FailureReason"] = reason
                    endpoint.telemetry.copy(directory / "log.txt")
                    shutil.rmtree(directory, ignore_errors=True)
                endpoint.coming = 0
                self._move(endpoint, "InService" if endpoint.live else "Failed")
            if variant and old:
                old.retire()

    def _start(self, name: str, config_name: str, directory: Any) -> tuple[Variant | None, str]:
        try:
            config = self._models.config(config_name)
            record = config["ProductionVariants"][0]
            model = self._models.model(record["ModelName"])
            container = model["PrimaryContainer"]
            role = self._platform.role_environment(model["ExecutionRoleArn"])
            variant = Variant(
                name,
                config_name,
                record,
                self._options,
                directory,
                image.environment(role, container.get("Environment", {}), directory / "tmp"),
            )
            variant.deploy(client("s3", role), container.get("ModelDataUrl", ""))
        except (ServerError, tarfile.TarError, EOFError) as error:
            return None, f"The primary container for production variant {record['VariantName']} {error}"
        except (ClientError, BotoCoreError) as error:
            return None, (
                f"Could not access model data at {container.get('ModelDataUrl')}. Please ensure that the "
                f'role "{model["ExecutionRoleArn"]}" exists and has "s3:GetObject" permissions: {error}'
            )
        except errors.ApiError as error:
            return None, error.message
        return variant, ""

    def _delete(self, endpoint: Endpoint) -> None:
        live, endpoint.live = endpoint.live, None
        if live:
            live.retire()
        endpoint.telemetry.flush()
        self._tags.forget(endpoint.record["EndpointArn"])
        self.endpoints.remove(endpoint.record["EndpointName"])

    def _move(self, endpoint: Endpoint, status: str) -> None:
        endpoint.record.update(EndpointStatus=status, LastModifiedTime=time.time())
        detail = {
            **endpoint.record,
            "EndpointStatus": {"InService": "IN_SERVICE"}.get(status, status.upper()),
        }
        self._platform.emit(EVENT, detail, endpoint.record["EndpointArn"])


def _concurrency(config: dict[str, Any]) -> int:
    """MaxConcurrency of a configuration's one variant."""
    return int(config["ProductionVariants"][0]["ServerlessConfig"]["MaxConcurrency"])


def _allocated(endpoint: Endpoint) -> int:
    """The concurrency that an endpoint takes of the account's."""
    live = endpoint.live
    return endpoint.coming + (int(live.record["ServerlessConfig"]["MaxConcurrency"]) if live else 0)

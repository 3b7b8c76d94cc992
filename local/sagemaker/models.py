"""Models and endpoint configurations: immutable records, created, described, listed and deleted."""

from __future__ import annotations

import copy
import time
from typing import Any

from local.sagemaker import rules
from local.sagemaker.errors import exists, not_found
from local.sagemaker.platform import Platform
from local.sagemaker.records import Table, Tags, arn, check_role, page

Record = dict[str, Any]


class Models:
    """The operations on Model and EndpointConfig."""

    def __init__(self, platform: Platform, tags: Tags) -> None:
        self._platform, self._tags = platform, tags
        self.models: Table[Record] = Table(platform)
        self.configs: Table[Record] = Table(platform)
        self.operations = {
            "CreateModel": self.create_model,
            "DescribeModel": self.describe_model,
            "ListModels": self.list_models,
            "DeleteModel": self.delete_model,
            "CreateEndpointConfig": self.create_config,
            "DescribeEndpointConfig": self.describe_config,
            "ListEndpointConfigs": self.list_configs,
            "DeleteEndpointConfig": self.delete_config,
        }

    def model(self, name: str) -> Record:
        """The model's record. Raises ApiError(ValidationException)."""
        record = self.models.get(name)
        if record is None:
            raise not_found("model", arn(self._platform, "model", name))
        return record

    def config(self, name: str) -> Record:
        """The configuration's record. Raises ApiError(ValidationException)."""
        record = self.configs.get(name)
        if record is None:
            raise not_found("endpoint configuration", arn(self._platform, "endpoint-config", name))
        return record

    def create_model(self, request: Record) -> Record:
        """CreateModel."""
        rules.model(request)
        check_role(self._platform, request["ExecutionRoleArn"])
        resource = arn(self._platform, "model", request["ModelName"])
        self._add(self.models, "model", request["ModelName"], "ModelArn", resource, request)
        return {"ModelArn": resource}

    def describe_model(self, request: Record) -> Record:
        """DescribeModel."""
        return copy.deepcopy(self.model(request["ModelName"]))

    def list_models(self, request: Record) -> Record:
        """ListModels."""
        return _list(self.models, request, "Models", "ModelName", "ModelArn")

    def delete_model(self, request: Record) -> Record:
        """DeleteModel."""
        self._tags.forget(self.model(request["ModelName"])["ModelArn"])
        self.models.remove(request["ModelName"])
        return {}

    def create_config(self, request: Record) -> Record:
        """CreateEndpointConfig; its models must exist."""
        models = {item["ModelName"]: self.model(item["ModelName"]) for item in request["ProductionVariants"]}
        rules.endpoint_config(request, models)
        name = request["EndpointConfigName"]
        resource = arn(self._platform, "endpoint-config", name)
        self._add(self.configs, "endpoint configuration", name, "EndpointConfigArn", resource, request)
        return {"EndpointConfigArn": resource}

    def describe_config(self, request: Record) -> Record:
        """DescribeEndpointConfig."""
        return copy.deepcopy(self.config(request["EndpointConfigName"]))

    def list_configs(self, request: Record) -> Record:
        """ListEndpointConfigs."""
        return _list(self.configs, request, "EndpointConfigs", "EndpointConfigName", "EndpointConfigArn")

    def delete_config(self, request: Record) -> Record:
        """DeleteEndpointConfig. AWS does not refuse to delete one that is live, neither does this."""
        self._tags.forget(self.config(request["EndpointConfigName"])["EndpointConfigArn"])
        self.configs.remove(request["EndpointConfigName"])
        return {}

    def _add(self, table: Table[Record], kind: str, name: str, key: str, resource: str, request: Record) -> None:
        kept = {member: value for member, value in request.items() if member != "Tags"}
        if not table.add(name, {**copy.deepcopy(kept), key: resource, "CreationTime": time.time()}):
            raise exists(kind, resource)
        self._tags.put(resource, request.get("Tags", []))


def _list(table: Table[Record], request: Record, member: str, name: str, key: str) -> Record:
    rows = [{part: row[part] for part in (name, key, "CreationTime")} for row in table.values()]
    return page(rows, request, member, name=name)

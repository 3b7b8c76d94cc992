"""The model registry: package groups and numbered packages (records only, nothing runs)."""

from __future__ import annotations

import copy
import time
from typing import Any

from local.sagemaker.errors import invalid
from local.sagemaker.platform import Platform
from local.sagemaker.records import Table, Tags, arn, page

Record = dict[str, Any]
EVENT = "SageMaker Model Package State Change"


class Registry:
    """The operations on ModelPackageGroup and ModelPackage."""

    def __init__(self, platform: Platform, tags: Tags) -> None:
        self._platform, self._tags = platform, tags
        self.groups: Table[Record] = Table(platform)
        self.packages: Table[Record] = Table(platform)
        self.operations = {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create_package,
            "DescribeModelPackage": self.describe_package,
            "ListModelPackages": self.list_packages,
            "UpdateModelPackage": self.update_package,
            "DeleteModelPackage": self.delete_package,
        }

    def _group(self, name: str) -> Record:
        record = self.groups.get(name.rsplit("/", 1)[-1])
        if record is None:
            raise invalid(f"Model Package Group {name} does not exist.")
        return record

    def _package(self, name: str) -> Record:
        record = self.packages.get(name)
        if record is None:
            raise invalid(f"ModelPackage {name} does not exist.")
        return record

    def create_group(self, request: Record) -> Record:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        resource = arn(self._platform, "model-package-group", name)
        record = {key: value for key, value in request.items() if key != "Tags"}
        if not self.groups.add(
            name,
            {
                **record,
                "ModelPackageGroupArn": resource,
                "CreationTime": time.time(),
                "CreatedBy": {},
                "ModelPackageGroupStatus": "Completed",
                "_versions": 0,
                "_tokens": {},
            },
        ):
            raise invalid(f"Model Package Group already exists: {resource}")
        self._tags.put(resource, request.get("Tags", []))
        return {"ModelPackageGroupArn": resource}

    def describe_group(self, request: Record) -> Record:
        """DescribeModelPackageGroup."""
        return _public(self._group(request["ModelPackageGroupName"]))

    def list_groups(self, request: Record) -> Record:
        """ListModelPackageGroups."""
        rows = [_public(row, "CreatedBy") for row in self.groups.values()]
        return page(rows, request, "ModelPackageGroupSummaryList", name="ModelPackageGroupName")

    def delete_group(self, request: Record) -> Record:
        """DeleteModelPackageGroup; refused while it holds packages."""
        name = self._group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        if any(item["ModelPackageGroupName"] == name for item in self.packages.values()):
            raise invalid(f"Model Package Group {name} can not be deleted: it contains model packages.")
        self.groups.remove(name)
        return {}

    def create_package(self, request: Record) -> Record:
        """CreateModelPackage in a group: the next version."""
        if "ModelPackageGroupName" not in request:
            raise invalid("The local cloud keeps versioned packages only: ModelPackageGroupName is missing.")
        group = self._group(request["ModelPackageGroupName"])
        token = request.get("ClientToken")
        if token in group["_tokens"]:
            return {"ModelPackageArn": group["_tokens"][token]}
        group["_versions"] += 1
        name, version = group["ModelPackageGroupName"], group["_versions"]
        resource = f"{arn(self._platform, 'model-package', name)}/{version}"
        record = {key: value for key, value in request.items() if key not in ("Tags", "ClientToken")}
        self.packages.add(
            resource,
            {
                "ModelApprovalStatus": "PendingManualApproval",
                **copy.deepcopy(record),
                "ModelPackageGroupName": name,
                "ModelPackageArn": resource,
                "ModelPackageVersion": version,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": []},
                "CreationTime": time.time(),
            },
        )
        if token:
            group["_tokens"][token] = resource
        self._tell(resource)
        return {"ModelPackageArn": resource}

    def _tell(self, resource: str) -> None:
        """The event of a version that was made or changed."""
        detail = _public(self._package(resource))
        self._platform.emit(EVENT, {**detail, "CreationTime": int(1000 * detail["CreationTime"])}, resource)

    def describe_package(self, request: Record) -> Record:
        """DescribeModelPackage, by ARN."""
        return _public(self._package(request["ModelPackageName"]))

    def list_packages(self, request: Record) -> Record:
        """ListModelPackages of a group."""
        group = request.get("ModelPackageGroupName", "").rsplit("/", 1)[-1]
        members = (
            "ModelPackageGroupName",
            "ModelPackageVersion",
            "ModelPackageArn",
            "ModelPackageDescription",
            "CreationTime",
            "ModelPackageStatus",
            "ModelApprovalStatus",
        )
        rows = [
            {key: row[key] for key in members if key in row}
            for row in self.packages.values()
            if not group or row["ModelPackageGroupName"] == group
        ]
        return page(rows, request, "ModelPackageSummaryList", name="ModelPackageArn")

    def update_package(self, request: Record) -> Record:
        """UpdateModelPackage."""
        record = self._package(request["ModelPackageArn"])
        record.update({key: value for key, value in request.items() if key != "ModelPackageArn"})
        self._tell(record["ModelPackageArn"])
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def delete_package(self, request: Record) -> Record:
        """DeleteModelPackage, by ARN."""
        self._package(request["ModelPackageName"])
        self.packages.remove(request["ModelPackageName"])
        return {}


def _public(record: Record, *left_out: str) -> Record:
    return copy.deepcopy(
        {key: value for key, value in record.items() if not key.startswith("_") and key not in left_out}
    )

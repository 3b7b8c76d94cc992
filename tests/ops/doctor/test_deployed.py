"""What was deployed: the pushed image, the stack, and what somebody deleted."""

from __future__ import annotations

import json

import pytest

from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.doctor import deployed, image
from ops.doctor.finding import Level
from ops.doctor.surroundings import Surroundings
from tests.ops.doctor.conftest import TEXT, levels, only

OCI = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "cdk-hnb659fds-container-assets"


@pytest.fixture(scope="module")
def repository(cloud: LocalCloud) -> str:
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    for tag, media_type in (("docker", image.DOCKER), ("oci", OCI), ("odd", "application/x-odd")):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": media_type})
        ecr.put_image(
            repositoryName=REPOSITORY, imageTag=tag, imageManifest=manifest, imageManifestMediaType=media_type
        )
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"


@pytest.mark.parametrize(("tag", "level"), [("docker", "fine"), ("oci", "wrong"), ("odd", "warning")])
def test_the_media_type_of_the_pushed_manifest(about: Surroundings, repository: str, tag: str, level: str) -> None:
    assert levels(image.manifest(about, f"{repository}:{tag}")) == {"manifest": level}


def test_an_oci_manifest_is_deleted_before_it_is_pushed_again(about: Surroundings, repository: str) -> None:
    finding = only(image.manifest(about, f"{repository}:oci"))
    assert f"aws ecr batch-delete-image --registry-id {ACCOUNT}" in finding.fix
    assert "imageTag=oci && make deploy" in finding.fix


def test_an_image_that_is_not_there(about: Surroundings, repository: str) -> None:
    # The local cloud serves without images; AWS does not.
    finding = only(image.manifest(about, f"{repository}:nothing"))
    assert (finding.level, finding.sentence[:9]) == (Level.WARNING, "Not known")


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (None, "warning"),
        ("CREATE_COMPLETE", "fine"),
        ("UPDATE_COMPLETE", "fine"),
        ("UPDATE_IN_PROGRESS", "warning"),
        ("UPDATE_ROLLBACK_COMPLETE", "warning"),
        ("UPDATE_ROLLBACK_FAILED", "wrong"),
        ("ROLLBACK_COMPLETE", "wrong"),
        ("DELETE_FAILED", "wrong"),
    ],
)
def test_the_status_of_a_stack(status: str | None, level: str) -> None:
    assert str(deployed.judge_stack("shop", status).level) == level


def test_what_somebody_deleted(about: Surroundings) -> None:
    gone = Surroundings(TEXT(project="gone"), ACCOUNT, REGION, about.session)
    found = [*deployed.machine(gone), *deployed.alarms(gone), *deployed.dead_letters(gone)]
    assert levels(found) == {"machine": "wrong", "alarms": "wrong", "dead letters": "wrong"}
    assert deployed.stack_status(gone) is None

"""The pushed serving image: whether its manifest is one that SageMaker takes.

SageMaker refuses an OCI manifest at CreateModel, which is after the training was paid for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "image"
DOCKER: Final = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
_OCI: Final = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json")
_URI: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)


@dataclass(frozen=True)
class Image:
    """An ECR image as the API names it; `identifier` is an ImageIdentifier."""

    account: str
    region: str
    repository: str
    identifier: dict[str, str]

    @classmethod
    def of(cls, uri: str) -> Image:
        """The image that a URI means. Raises ValueError if it is none of ECR's."""
        match = _URI.fullmatch(uri)
        if match is None:
            raise ValueError(f"not the URI of an ECR image: {uri!r}")
        named = {"imageTag": match["tag"]} if match["tag"] else {"imageDigest": match["digest"]}
        return cls(match["account"], match["region"], match["repository"], named)

    @property
    def command_line(self) -> str:
        """The arguments that name it to `aws ecr`."""
        ((key, value),) = self.identifier.items()
        return (
            f"--registry-id {self.account} --region {self.region} --repository-name {self.repository} "
            f"--image-ids {key}={value}"
        )


def manifest(about: Surroundings, uri: str) -> Iterator[Finding]:
    """The media type of an image's manifest. Raises botocore's errors."""
    image = Image.of(uri)
    # An image in another region cannot be served from, and ECR of this one would not know it.
    ecr = about.client("ecr")
    try:
        answer = ecr.batch_get_image(
            registryId=image.account,
            repositoryName=image.repository,
            imageIds=[image.identifier],
            # Without these ECR may hand an OCI manifest over in Docker's form.
            acceptedMediaTypes=[DOCKER, _DOCKER_LIST, *_OCI],
        )
    except ecr.exceptions.RepositoryNotFoundException:
        answer = {"images": []}
    built = about.settings.serving.image == "build"
    if answer["images"]:
        yield judge(str(answer["images"][0].get("imageManifestMediaType", "")), image, built=built)
    elif about.local:
        sentence = "Not known: the local cloud runs the model server without an image."
        yield Finding(AREA, "manifest", Level.WARNING, sentence)
    else:
        fix = "make deploy" if built else "push it, or name another one in serving.image, then: make deploy"
        yield Finding(AREA, "manifest", Level.WRONG, f"There is no image {uri}.", fix)


def judge(media_type: str, image: Image, *, built: bool) -> Finding:
    """The finding about a manifest's media type."""
    if media_type == DOCKER:
        return Finding(AREA, "manifest", Level.FINE, "It has Docker's media type, which SageMaker takes.")
    if media_type in _OCI:
        sentence = f"Its manifest is {media_type}, which SageMaker refuses: no model can go live."
        return Finding(AREA, "manifest", Level.WRONG, sentence, _again(image, built=built))
    sentence = f"Not known: whether SageMaker takes a manifest of {media_type or 'no media type'}."
    return Finding(AREA, "manifest", Level.WARNING, sentence, _again(image, built=built))


def _again(image: Image, *, built: bool) -> str:
    if built:
        # The tag is made of the sources alone: what is there is not pushed again.
        return (
            f"update Docker and its buildx plugin, then: aws ecr batch-delete-image {image.command_line} && make deploy"
        )
    return (
        "push it again with: docker buildx build --platform linux/amd64 --provenance=false --sbom=false "
        "--output type=image,oci-mediatypes=false,push=true …"
    )

"""The ledger's tests run on the same kind of project as the handlers'."""

from __future__ import annotations

from tests.lambdas.conftest import aws, project, role

__all__ = ["aws", "project", "role"]

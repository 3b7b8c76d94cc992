"""The facts that the ledger keeps, as values: who has the claim, the champion, a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from domain.data.dataset import Hold
from domain.gate.types import Verdict

TEARDOWN: Final = "teardown"
AWAITING: Final = "awaiting-approval"
# How a run may end: as the gate says, or otherwise.
RunVerdict = Literal[Verdict, "awaiting-approval", "screened", "too-few-rows", "no-data", "gave-up", "restored"]
# What a person may order: back to a model that was live before, or on to one that the gate refused.
OrderKind = Literal["rollback", "promote"]


@dataclass(frozen=True)
class Claim:
    """Who has the claim. `reserved`: its owner has yet to start and take it up; `recover`: it comes from an execution
    that died, so that what is live must be looked at first."""

    owner: str
    reserved: bool = False
    recover: bool = False

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Claim:
        """The claim that a ledger's item is."""
        return cls(item["owner"], item.get("reserved", False), item.get("recover", False))


@dataclass(frozen=True)
class Seal:
    """What a model is known by: the SHA-256 of its archive and of the manifest.json in it, 64 hex digits each.

    Whoever sees the archive checks the first; the server, which sees unpacked files alone, checks the second.
    """

    archive: str
    manifest: str


@dataclass(frozen=True)
class Judgement:
    """What Evaluate found about one archive, and what that is believed for: nothing else says what may be deployed.

    `verdict` is the gate's. It was judged beside the champion of `champion_version` (0: none). `waits`: a person is to
    approve it. `package` is the ARN of its version in the model registry, None if the registry did not take it.
    """

    run: str
    dataset: str
    epoch: int
    seal: Seal
    verdict: Verdict
    champion_version: int
    waits: bool = False
    package: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Judgement:
        """The judgement that a ledger's item is; DynamoDB's numbers are decimals."""
        return cls(
            run=item["run"],
            dataset=item["dataset"],
            epoch=int(item["epoch"]),
            seal=Seal(**item["seal"]),
            verdict=item["verdict"],
            champion_version=int(item["champion_version"]),
            waits=item["waits"],
            package=item["package"] or None,  # "" in an item of an earlier release
        )


@dataclass(frozen=True)
class Approval:
    """A person's yes to one version in the registry, and to the archive (its SHA-256) that this version is of."""

    run: str
    package: str
    archive: str


@dataclass(frozen=True)
class Champion:
    """The model that is live, or should be. `version` counts promotions; `before` are the runs whose models were live
    before it and are kept, newest first.

    `seal` says which archive it is. One that an earlier release promoted has none, but `artifact`, its archive's URI.
    `left`: it is live no more, since a person went back from it.
    """

    run: str
    dataset: str
    epoch: int
    version: int
    promoted_at: str
    before: tuple[str, ...] = ()
    seal: Seal | None = None
    artifact: str | None = None
    left: bool = False

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Champion:
        """The champion that a ledger's item is; DynamoDB's numbers are decimals."""
        texts = {name: item[name] for name in ("run", "dataset", "promoted_at")}
        seal = Seal(**item["seal"]) if "seal" in item else None
        return cls(
            epoch=int(item["epoch"]),
            version=int(item["version"]),
            before=tuple(item.get("before", ())),
            seal=seal,
            artifact=item.get("artifact") or None,  # "" in an item of an earlier release
            left=item.get("left", False),
            **texts,
        )

    @property
    def unsealed(self) -> str:
        """Where the archive lies of one without a seal, as a URI. Raises LookupError for one that has no such place."""
        if self.artifact is None:
            raise LookupError(f"champion {self.version}, run {self.run}, does not say where an earlier release left it")
        return self.artifact


@dataclass(frozen=True)
class Order:
    """A person's word that a model goes live which is there already: to go back (`rollback`), or past the gate
    (`promote`).

    `order` is its id, 12 hex digits, and that of the run which carries it out. `model` is the run whose model it is
    about, to take the place of the champion of version `beside`, and of no other. `by` is the ARN of who gave it, `at`
    when (ISO 8601). `holds` are set aside in the same breath.
    """

    order: str
    kind: OrderKind
    model: str
    beside: int
    by: str
    reason: str
    at: str
    holds: tuple[Hold, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Order:
        """The order that a ledger's item is; DynamoDB's numbers are decimals."""
        texts = {name: item[name] for name in ("order", "kind", "model", "by", "reason", "at")}
        return cls(beside=int(item["beside"]), holds=tuple(map(Hold.of, item["holds"])), **texts)


@dataclass(frozen=True)
class Run:
    """One run, for listing and for the steps that follow. What there is none of (yet) is None.

    `judged` is the gate's word; `verdict` is what the run ended with, once it is concluded, and `sentence` says why.
    `artifact` is the URI of its archive. `package` is the ARN of its version in the model registry; `unregistered` says
    why it has none there. `landed` is the id of its dataset's sources alone: `dataset` is another one where labels are
    set aside. `labels` says what became of the labels since the champion, if anything. `postponed` says why it could
    not be deployed yet: the next sweep tries again.

    A run that carries out a person's order trains nothing: `makes_live` is the run whose model it is about, `by` the
    ARN of who gave it. Its data is that model's.
    """

    run: str
    dataset: str
    epoch: int
    execution: str
    reason: str
    started: str
    attempt: int = 1
    requests: tuple[str, ...] = ()
    artifact: str | None = None
    champion_version: int = 0
    judged: Verdict | None = None
    verdict: RunVerdict | None = None
    sentence: str | None = None
    package: str | None = None
    labels: str | None = None
    unregistered: str | None = None
    postponed: str | None = None
    landed: str | None = None
    makes_live: str | None = None
    by: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Run:
        """The run that a ledger's item is; fields that an earlier release did not know have their defaults."""
        known = {field.name: item[field.name] for field in fields(cls) if field.name in item}
        # An earlier release wrote "" for what there is none of.
        optional = {field.name: known.get(field.name) or None for field in fields(cls) if field.default is None}
        numbers = {name: int(known[name]) for name in ("epoch", "attempt", "champion_version")}
        return cls(**{**known, **optional, **numbers, "requests": tuple(known["requests"])})

    @property
    def closes(self) -> str:
        """The dataset, by its sources alone, that is done with when this run is: all that a look at landing tells."""
        return self.landed or self.dataset

    @property
    def model(self) -> str:
        """The run whose model it is about: its own, unless it carries out an order."""
        return self.makes_live or self.run

    @property
    def ending(self) -> RunVerdict:
        """What the run ended with. Raises LookupError for one that is not concluded."""
        if self.verdict is None:
            raise LookupError(f"run {self.run} is not concluded")
        return self.verdict

    @property
    def awaits_approval(self) -> bool:
        """Whether it passed the gate and a person has to say yes."""
        return self.verdict == AWAITING

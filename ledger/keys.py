"""The ledger's partitions: what lies under each `pk`, and which functions write there. Rights go by these names.

Everybody may read. Where one function is named alone, nothing else may write there: what it says is believed for that.
`conclude` stands for whoever may end a run: Prepare, Screen, Evaluate, Reject, Promote, Release, Reconcile, Approve
and the custom resource.

| partition | one item for each | written by |
|---|---|---|
| claim | ledger | Claim, Release, Reconcile, the custom resource |
| champion | ledger; model that was live before | Promote alone |
| anchor | epoch | Promote alone |
| judgement | run | Evaluate alone |
| adoption | champion of an earlier release | Adopt alone |
| approval | approved run | put by Approve alone; deleted by `conclude` of what passed: not Prepare, Screen, Reject |
| run | run | Prepare, Redeploy, `conclude` |
| dataset | concluded dataset | `conclude` |
| request | open request | people; deleted by `conclude` |
| order | open order | people alone; deleted by `conclude` of what it asked for: Promote, Release, Reconcile |
| failures | dataset and champion | Reconcile |
| held | held source | Prepare, Screen, Reject, Promote (as it was ordered), people |
| vouched | source that a person looked at | people |
| epoch | split epoch; its table's columns | Prepare |
| marker | thing that is to be done once | Prepare, Announce, Reconcile |
| arrival, content | landing key; content under one | Prepare, people |
"""

from __future__ import annotations

from typing import Final

CLAIM: Final = "claim"
CHAMPION: Final = "champion"
ANCHOR: Final = "anchor"
JUDGEMENT: Final = "judgement"
ADOPTION: Final = "adoption"
APPROVAL: Final = "approval"
RUN: Final = "run"
DATASET: Final = "dataset"
REQUEST: Final = "request"
ORDER: Final = "order"
FAILURES: Final = "failures"
HELD: Final = "held"
VOUCHED: Final = "vouched"
EPOCH: Final = "epoch"
MARKER: Final = "marker"
ARRIVAL: Final = "arrival"
CONTENT: Final = "content"

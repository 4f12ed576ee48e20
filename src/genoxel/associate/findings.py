"""What a study found beyond its map: what features mean, and groups of patients with all that was asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genoxel.associate.activity import Activity
from genoxel.associate.enrich import Enrichment
from genoxel.associate.groups import GroupSurvival, Replication
from genoxel.associate.phenotypes import Phenotypes
from genoxel.associate.triples import Triples
from genoxel.core.image import frozen
from genoxel.core.results import AssociationMap


@dataclass(frozen=True, eq=False)
class Meaning:
    """Gene sets of features and groups; `chosen` says how features came in, `readings` what each is read as.

    `modules` are sets over-represented in metagenes, `risk` says what cut the patients into risk groups;
    `hits` are sets over-represented among the genes that pass with a feature; `notes` say what was not done and why.
    """

    enrichment: Enrichment | None = None
    hits: Enrichment | None = None
    modules: Enrichment | None = None
    activity: Activity | None = None
    triples: Triples | None = None
    chosen: str = ""
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "readings", frozen(self.readings))


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of patients by `blocks`, made in `makers`; their survival, their return in other patients, differences.

    `survival` is that of the patients who made the groups, `again` that of those who did not.
    """

    found: Phenotypes
    blocks: tuple[str, ...]
    makers: str = "all patients"
    survival: GroupSurvival | None = None
    replication: Replication | None = None
    again: GroupSurvival | None = None
    differences: Mapping[str, AssociationMap] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "differences", frozen(self.differences))

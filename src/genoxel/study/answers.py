"""Predictors that hold the answer: targets made of the very numbers that models would predict them from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from genoxel.core.table import Table
from genoxel.omics.derive import OF_GENES
from genoxel.omics.settings import OmicsSettings, TargetSettings
from genoxel.study.study import Study

FEW = 3


def asked_parts(study: Study) -> tuple[str, ...]:
    """Return the blocks of numbers that models of [learn] see, in the order in which they are named."""
    learn = study.settings.learn
    if learn is None:
        return ()
    names = (learn.primary.features, *learn.compare)
    return tuple(dict.fromkeys(part.strip() for name in names for part in name.split("+")))


def predicted(study: Study) -> dict[str, TargetSettings]:
    """Return the targets of [learn]."""
    learn, targets = study.settings.learn, study.settings.targets
    if learn is None:
        return {}
    return {name: targets[name] for name in (learn.targets or targets) if name in targets}


def in_clinical(study: Study) -> dict[str, str]:
    """Return target -> its column, where that column is also among the clinical predictors."""
    if "clinical" not in asked_parts(study):
        return {}
    sources = {name: one.column or one.score for name, one in predicted(study).items()}
    return {name: column for name, column in sources.items() if column in study.settings.cohort.clinical and column}


def shared_sources(study: Study, tables: Mapping[str, Table]) -> list[str]:
    """Return, in words, which targets are predicted from the block or the assay that they are made of."""
    parts = asked_parts(study)
    found = []
    for name, target in predicted(study).items():
        own = _own_blocks(study.settings.omics, target, tables)
        shared = [part for part in parts if part in own]
        if shared:
            found.append(
                f"target {name} is made of the same measurement as {_listed(shared)}, which [learn] predicts it from: "
                "a high AUC there says nothing about the image"
            )
    return found


def _own_blocks(omics: OmicsSettings, target: TargetSettings, tables: Mapping[str, Table]) -> Collection[str]:
    """Return the blocks that are made of what the target is made of."""
    families = _families(omics)
    if target.gene:
        return families["mutations"]
    if not target.score:
        return ()
    block = next((name for name, table in tables.items() if target.score in table), "")
    family = next((names for names in families.values() if block in names), ())
    return {block, *family} - {""}


def _families(omics: OmicsSettings) -> dict[str, set[str]]:
    """Return assay -> the blocks that are made of it."""
    derive = omics.derive
    expression = {"expression", "genesets", "immune", "axes", "metagenes", OF_GENES, *derive.subtypes, *derive.scores}
    mutations = {"drivers", "vaf", "signatures", "burden", "msi"}
    if derive.network is not None:
        (expression if derive.network.of == "expression" else mutations).add("network")
    return {"expression": expression, "mutations": mutations, "methylation": {"methylation", "mgmt"}}


def _listed(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (" ..." if len(names) > FEW else "")

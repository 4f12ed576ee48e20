"""Settings that are legal alone and would do nothing beside the others: said before a run, never ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genoxel.core.errors import nearest
from genoxel.image.settings import FIRST_TIME, ImageSettings
from genoxel.study.plan import labels_of
from genoxel.study.problems import Problem
from genoxel.study.select import UNITS, canonical
from genoxel.study.study import Study


def unused_problems(study: Study) -> list[Problem]:
    """Return a problem for every setting that the rest of the study file leaves without effect."""
    return [*_tables(study), *_targets(study), *_images(study), *_features(study), *_ready_made(study)]


def _tables(study: Study) -> Iterator[Problem]:
    cohort, omics = study.settings.cohort, study.settings.omics
    if cohort.table is None:
        named = ("sheet", "site", "clinical", "include", "exclude", "interval", "consent")
        for key in named:
            if getattr(cohort, key):
                fix = "name the table, or remove this line"
                yield Problem(f"cohort.{key}", "columns without a clinical table", "[cohort] table", fix)
    copies = omics.copynumber is not None and omics.copynumber.segments
    if omics.mutations is None:
        for key in ("profiled", "panel", "build"):
            known = key == "build" and (copies or omics.cbioportal or omics.fusions)
            if getattr(omics, key) and not known:
                fix = "add mutations = ..., or remove this line"
                yield Problem(f"omics.{key}", "a fact about mutations that are not named", "[omics] mutations", fix)


def _targets(study: Study) -> Iterator[Problem]:
    for name, target in study.settings.targets.items():
        source = "gene" if target.gene else "rule" if target.rule else "score"
        useless: tuple[str, ...] = () if target.column else ("unknown",)
        useless += ("positive", "negative") if target.gene or target.rule else ()
        useless += ("levels",) if target.score and target.cut is None and not target.positive else ()
        for key in useless:
            if getattr(target, key):
                got = f"words, though the target is read from a {source}"
                yield Problem(f"target.{name}.{key}", got, f"no {key} beside {source}", "remove this line")
        if target.column and study.settings.cohort.table is None:
            fix = "add table = ... under [cohort]"
            yield Problem(f"target.{name}.column", "a column without a clinical table", "[cohort] table", fix)


def _images(study: Study) -> Iterator[Problem]:
    settings = study.settings
    images, image, segment = settings.io.images, settings.image, settings.segment
    if images is not None and images.wanted and image.modalities and set(images.wanted) != set(image.modalities):
        got = f"{', '.join(image.modalities)}, and {', '.join(images.wanted)} under [io.images]"
        yield Problem("image.modalities", got, "one list", "remove one of them")
    if segment.regions and segment.several:
        got = f"text {segment.several!r} beside regions"
        yield Problem("segment.several", got, "one label map per image with regions", "remove several")
    labels = labels_of(study)
    for modality in image.override if labels else ():
        if modality not in labels:
            fix = nearest(modality, labels) or "name it as under [io.images]"
            yield Problem(f"image.override.{modality}", "a modality that is not measured", ", ".join(labels), fix)
    if image.registration is not None:
        yield from _registration(image.registration.to, labels)
    kinds = {canonical(label) for label in labels}
    if labels and "CT" not in kinds:
        yield from _for_ct(image, labels)
    yield from _normalised(image, labels)
    if image.atlas is not None and labels and kinds <= {"CT", "PT"}:
        got = f"places in the MNI152 brain for {', '.join(labels)}"
        yield Problem("image.atlas", got, "an MR of the head, on which the brain can be found", "remove atlas")


def _normalised(image: ImageSettings, labels: Sequence[str]) -> Iterator[Problem]:
    """Yield a normalisation that would reach no image: what is in HU or SUV stays as it is."""
    rules = [(label, image.for_modality(label).normalise) for label in labels]
    asked = [(label, how) for label, how in rules if how is not None]
    if asked and not any(how.applies_to(UNITS.get(canonical(label), "")) for label, how in asked):
        got = (
            f"normalisation of {', '.join(label for label, _ in asked)}, whose numbers have a unit and stay as they are"
        )
        fix = f"remove it, or ask for it: override = {{ {asked[0][0]} = {{ normalise = {{ ... }} }} }}"
        yield Problem("image.normalise", got, "images without a unit (MR)", fix)


def _for_ct(image: ImageSettings, labels: Sequence[str]) -> Iterator[Problem]:
    """Yield what is asked of CT alone, though none is measured."""
    if image.kernel is not None:
        got = f"matching of CT kernels for {', '.join(labels)}, which have none"
        yield Problem("image.kernel", got, "a study of CT", "remove kernel")
    if image.range_hu is not None:
        got = f"a range in HU for {', '.join(labels)}, which know no HU"
        yield Problem("image.range_hu", got, "range, in the intensities of these images", "write range = [...]")


def _features(study: Study) -> Iterator[Problem]:
    features = study.settings.features
    given = features.model_fields_set
    if "ratio_of" in given and not features.ratios:
        yield Problem("features.ratio_of", "features to relate, but no regions", "ratios", 'add ratios = ["a/b"]')
    above = features.set == "extended" and not features.families
    if "suv_thresholds" in given and not above and "mtv" not in features.families:
        got = "thresholds, though no metabolic volume is measured"
        yield Problem("features.suv_thresholds", got, 'set = "extended", or the family "mtv"', "ask for one of them")


def _registration(to: str, labels: Sequence[str]) -> Iterator[Problem]:
    if to == FIRST_TIME:
        return
    if canonical(to) not in {canonical(label) for label in labels}:
        legal = ", ".join(labels) or "modalities = [...] under [io.images] or [image]"
        yield Problem("image.register.to", f"{to!r}, which is not measured", legal, nearest(to, labels) or "name it")
    elif len(labels) < 2:
        yield Problem("image.register", "registration of one series", "two series or more", "remove register")


def _ready_made(study: Study) -> Iterator[Problem]:
    settings = study.settings
    images = settings.io.images
    if images is None or images.features is None:
        return
    got = "settings for images, though ready-made features are read instead"
    for key in ("segment", "image", "features"):
        if key in settings.model_fields_set:
            yield Problem(key, got, "[io.images] features alone", f"remove [{key}]", "warning")
    for key in ("folder", "modality", "modalities", "choose"):
        if getattr(images, key):
            yield Problem(f"io.images.{key}", got, "features alone", "remove this line", "warning")

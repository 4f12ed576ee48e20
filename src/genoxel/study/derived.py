"""[omics.derive] read and done: one block of each key, made of what the molecular files hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from genoxel.core.errors import GenoxelError, SettingsError, TableError
from genoxel.core.keys import as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.derive import OF_GENES, DeriveSettings
from genoxel.omics.recipe import Alongside, Fixed, MostVariable, Recipe, Step
from genoxel.omics.targets import make_outcome, read_words
from genoxel.omics.texts import read_numbers

if TYPE_CHECKING:
    from genoxel.io.clinical import ClinicalSheet
    from genoxel.study.molecular import Molecular
    from genoxel.study.study import Study

Made = Table | Recipe
Truths = dict[str, bool | None]
Thing = TypeVar("Thing")


class Deriver:
    """Makes the blocks of [omics.derive] one after another; each sees those before it."""

    def __init__(self, study: Study, sheet: Callable[[], ClinicalSheet | None], say: Callable[[str], None]) -> None:
        self.study, self.sheet, self.say = study, sheet, say
        self.settings: DeriveSettings = study.settings.omics.derive

    def make(self, key: str, found: Molecular) -> dict[str, Made]:
        """Return block -> table (or recipe, where it is learned) of one key."""
        self.found = found
        parts: dict[str, Callable[[], dict[str, Made]]] = {
            **{name: partial(self._one, name) for name in ("drivers", "events", "vaf", "msi", "signatures")},
            **{name: partial(self._one, name) for name in ("immune", "axes", "network", "receptors")},
            **{name: partial(self._one, name) for name in ("cutoffs", "polygenic", "series", "glioma")},
            "metagenes": self._metagenes,
            "subtypes": self._subtypes,
            "scores": self._scores,
        }
        return parts[key]()

    def _one(self, key: str) -> dict[str, Made]:
        made: Made = getattr(self, f"_{key}")()
        return {key: made}

    # mutations

    def _variants(self) -> Records:
        return _need(self.found.variants, "mutations = ... (or cbioportal = ...)")

    def _known(self) -> tuple[str, ...]:
        variants = self._variants()
        return tuple(dict.fromkeys([*(row.patient for row in variants.profiled or ()), *variants.patients]))

    def _drivers(self) -> Table:
        from genoxel.omics.drivers import driver_groups

        return driver_groups(self._variants(), self.settings.drivers, self._known())

    def _events(self) -> Table:
        from genoxel.omics.rules import rule_status

        sources = self.found.sources
        patients = sources.patients
        columns, values = [], []
        for name, rule in self.settings.events.items():
            truths = rule_status(rule, sources, patients)
            values.append([np.nan if truths[who] is None else float(bool(truths[who])) for who in patients])
            columns.append(Column(name, "binary", definition=rule, source=Source(family="events")))
        array = np.array(values, dtype=np.float64).T.reshape(len(patients), len(columns))
        return Table(array, as_keys(patients), tuple(columns), "events")

    def _vaf(self) -> Table:
        from genoxel.omics.burden import gene_fractions, heterogeneity

        settings = _given(self.settings.vaf)
        spread = heterogeneity(self._variants(), settings.min_depth, settings.fewest)
        if not settings.genes:
            return spread
        return gene_fractions(self._variants(), settings.genes, settings.min_depth).beside(spread)

    def _msi(self) -> Table:
        from genoxel.omics.burden import repeat_indels

        megabases = self.study.settings.omics.megabases or 0.0
        return repeat_indels(self._variants(), megabases, _given(self.settings.msi).repeat)

    def _signatures(self) -> Table:
        from genoxel.io.genesets import read_weights
        from genoxel.omics.signatures import catalogue, exposures

        settings = _given(self.settings.signatures)
        kinds, names, weights = read_weights(self.study.file(settings.file))
        return exposures(catalogue(self._variants()), kinds, names, weights, settings.fewest)

    # expression

    def _on_expression(self, *steps: Step, learned: bool = False, raw: Table | None = None) -> Made:
        """Return what steps make of the expression: a recipe where it, or the expression, is learned from samples."""
        base = self.found.recipes.get("expression")
        if raw is None and base is not None:
            return base.then(*steps)
        made = Recipe(raw or _need(self.found.expression, "expression = ..."), steps)
        return made if learned else made.taught(made.raw).transform(made.raw)

    def _immune(self) -> Made:
        from genoxel.io.genesets import read_gmt, read_weights
        from genoxel.omics.immune import MARKERS, cell_shares, cytolytic_activity, marker_means

        settings = _given(self.settings.immune)
        raw = _need(self.found.measured, "expression = ...")
        parts: list[Table] = []
        try:
            parts.append(cytolytic_activity(raw, settings.offset))
        except GenoxelError as error:
            self.say(f"immune: no cytolytic activity: {error}")
        if settings.cells:
            genes, types, profile = read_weights(self.study.file(settings.cells))
            parts.append(cell_shares(raw, genes, types, profile))
        own = read_gmt(self.study.file(settings.markers)) if settings.markers else {}
        step = Fixed(partial(marker_means, markers={**MARKERS, **own}))
        base = self.found.recipes.get("expression")
        if base is None:
            return _beside([step.transform(_need(self.found.expression, "expression = ...")), *parts])
        if not parts:
            return base.then(step)
        return Recipe(Alongside.raw(base.raw, _beside(parts)), (Alongside((*base.steps, step)),))

    def _axes(self) -> Made:
        from genoxel.io.genesets import read_gmt
        from genoxel.omics.axes import AXES, axis_scores

        settings = _given(self.settings.axes)
        own = read_gmt(self.study.file(settings.file)) if settings.file else {}
        names = settings.names or (tuple(own) if own else tuple(AXES))
        sets = {**AXES, **own}
        lacking = [name for name in names if name not in sets]
        if lacking:
            raise SettingsError(f"the axis {lacking[0]!r}", ", ".join(list(sets)[:12]), "name one of these")
        return self._on_expression(Fixed(partial(axis_scores, sets={name: sets[name] for name in names})))

    def _subtypes(self) -> dict[str, Made]:
        from genoxel.io.genesets import read_centroids
        from genoxel.omics.subtypes import CentroidClassifier

        made: dict[str, Made] = {}
        for name, file in self.settings.subtypes.items():
            genes, classes, centroids = read_centroids(self.study.file(file))
            step = CentroidClassifier(genes, classes, centroids, name)
            raw = None
            if "expression" not in self.found.recipes:
                table = _need(self.found.expression, "expression = ...")
                raw = table.select([gene for gene in dict.fromkeys(genes) if gene in table])
            made[name] = self._on_expression(step, learned=True, raw=raw)
        return made

    def _scores(self) -> dict[str, Made]:
        from genoxel.io.genesets import read_gene_weights
        from genoxel.omics.immune import weighted_score

        made: dict[str, Made] = {}
        for name, file in self.settings.scores.items():
            weights, without = read_gene_weights(self.study.file(file))
            if without:
                self.say(f"{name}: {len(without)} genes of {file} without a weight do not count: {', '.join(without)}")
            made[name] = self._on_expression(Fixed(partial(weighted_score, name=name, weights=weights)))
        return made

    def _metagenes(self) -> dict[str, Made]:
        from genoxel.omics.modules import Metagenes

        settings = _given(self.settings.metagenes)
        seed = self.study.settings.study.seed
        recipe = self._on_expression(MostVariable(settings.genes, settings.of), learned=True)
        assert isinstance(recipe, Recipe)  # noqa: S101 - learned
        told = recipe.taught(recipe.raw).transform(recipe.raw)
        known = told.take(~np.isnan(told.values).any(axis=1))
        whole = Metagenes(settings.count, settings.method, seed).fit(known)
        words = f"stability {whole.stability:.2f} (adjusted Rand index), cophenetic {whole.cophenetic:.2f}"
        self.say(f"metagenes: {settings.count} modules; over random halves of the samples {words}")
        made: dict[str, Made] = {"metagenes": recipe.then(Metagenes(settings.count, settings.method, seed, halves=0))}
        if settings.of:
            made[OF_GENES] = recipe.then(Metagenes(settings.count, settings.method, seed, 0, settings.of))
        return made

    def _network(self) -> Made:
        from genoxel.io.genesets import read_edges
        from genoxel.omics.modules import smooth_genes

        settings = _given(self.settings.network)
        edges = read_edges(self.study.file(settings.edges))
        genes = settings.genes or tuple(sorted({gene for edge in edges for gene in edge}))
        step = Fixed(partial(smooth_genes, edges=edges, restart=settings.restart, keep=genes))
        if settings.of == "expression":
            return self._on_expression(step)
        from genoxel.omics.variants import status_table

        nodes = tuple(sorted({gene for edge in edges for gene in edge} | set(genes)))
        table = status_table(self._variants(), nodes, patients=self._known())
        whole = table.take(~np.isnan(table.values).any(axis=1))
        if len(whole) < len(table):
            self.say(f"network: {len(table) - len(whole)} patients with a gene of unknown status have no score")
        return step.transform(whole)

    # clinical

    def _texts(self, column: str, key: str) -> Mapping[str, str]:
        sheet = self.sheet()
        if sheet is None:
            raise SettingsError(f"omics.derive.{key} without a clinical table", "[cohort] table", "name the table")
        return sheet.text(column)

    def _truths(self, column: str, key: str) -> dict[str, bool | None]:
        from genoxel.omics.settings import TargetSettings

        reading = read_words(self._texts(column, key), TargetSettings(column=column))
        if reading.not_understood:
            words = ", ".join(repr(word.word) for word in reading.not_understood[:5])
            self.say(f"{key}: {column}: not understood and unknown: {words}")
        return {who: None if word is None else word == reading.levels[1] for who, word in reading.status.items()}

    def _numbers(self, column: str, key: str) -> dict[str, float]:
        numbers, odd = read_numbers(self._texts(column, key))
        if odd:
            got = f"words in the column {column!r}: {', '.join(repr(word) for word in list(odd.values())[:5])}"
            raise TableError(got, "numbers", "correct them or leave them empty")
        return numbers

    def _receptors(self) -> Table:
        from genoxel.omics.subtypes import RECEPTOR_SUBTYPES, ReceptorRules, receptor_subtype

        settings = _given(self.settings.receptors)
        (er, _), (pr, high) = (self._receptor(column, settings.pr_cut) for column in (settings.er, settings.pr))
        her2 = self._her2(settings.her2, settings.ish)
        ki67 = self._numbers(settings.ki67, "receptors") if settings.ki67 else {}
        rules = ReceptorRules(settings.cut, settings.pr_for_a)
        either = {who: _either(er[who], pr[who]) for who in er}
        asked = pr if high is None else high
        words = {who: receptor_subtype(either[who], asked[who], her2[who], ki67.get(who), rules) for who in er}
        limit = f"Ki-67 {settings.cut:g} %" if settings.ki67 else "no Ki-67"
        wanted = "a positive PR (in words)" if high is None else f"PR of {settings.pr_cut:g} % or more"
        definition = f"surrogate subtype by ER, PR, HER2 and {limit}; luminal A asks for "
        definition += wanted if settings.pr_for_a else "no PR"
        table = _classes({"IHC subtype": (words, RECEPTOR_SUBTYPES)}, definition, "receptors")
        negative = {who: _negative(either[who], her2[who]) for who in either}
        codes = [[np.nan if (truth := negative[who]) is None else float(truth)] for who in negative]
        none = "ER, PR and HER2 all negative; known also where the subtype is open, as for want of Ki-67"
        column = Column("triple-negative", "binary", definition=none, source=Source(family="receptors"))
        made = Table(np.array(codes).reshape(len(negative), 1), as_keys(tuple(negative)), (column,), "receptors")
        return table.beside(made)

    def _receptor(self, column: str, cut: float) -> tuple[Truths, Truths | None]:
        """Return who is positive, and who reaches `cut` per cent (None where the column holds words alone)."""
        from genoxel.io.ihc import holds_percentages, reaches
        from genoxel.omics.subtypes import CUT_OFFS

        texts = self._texts(column, "receptors")
        if not holds_percentages(texts.values()):
            return self._truths(column, "receptors"), None
        sheet = _need(self.sheet(), "[cohort] table")
        return reaches(sheet, column, CUT_OFFS["PR"][1][0]), reaches(sheet, column, cut)

    def _her2(self, column: str, ish: str | None) -> dict[str, bool | None]:
        from genoxel.omics.subtypes import her2_class
        from genoxel.omics.texts import is_missing

        texts = self._texts(column, "receptors")
        scores = {who: text.strip().rstrip("+") for who, text in texts.items() if not is_missing(text)}
        if not scores or not set(scores.values()) <= {"0", "1", "2", "3"} or set(scores.values()) <= {"0", "1"}:
            return self._truths(column, "receptors")
        amplified = self._truths(ish, "receptors") if ish else {}
        found = {who: her2_class(scores[who], amplified.get(who)) if who in scores else None for who in texts}
        return {who: None if word is None else word == "positive" for who, word in found.items()}

    def _cutoffs(self) -> Table:
        from genoxel.omics.subtypes import CUT_OFFS

        made = {}
        for name, column in self.settings.cutoffs.items():
            made[f"{name} class"] = (self._class(name, column), CUT_OFFS[name][2])
        units = "; ".join(f"{name}: {CUT_OFFS[name][0]}, at {CUT_OFFS[name][1]}" for name in self.settings.cutoffs)
        return _classes(made, units, "cutoffs", ordered=True)

    def _class(self, name: str, column: str) -> Mapping[str, str | None]:
        """Return the class of each patient; markers are read as [omics.ihc] reads them."""
        from genoxel.io.ihc import MARKERS, read_ihc
        from genoxel.omics.subtypes import classify

        if name not in MARKERS:
            return classify(name, self._numbers(column, "cutoffs"))
        self._texts(column, "cutoffs")  # says so where there is no clinical table
        table = read_ihc(_need(self.sheet(), "[cohort] table"), {name: column}).table.select([f"{name} class"])
        levels, codes = table.columns[0].levels, table.values[:, 0].tolist()
        return {
            who: None if np.isnan(code) else levels[int(code)] for who, code in zip(table.patients, codes, strict=True)
        }

    def _polygenic(self) -> Made:
        from genoxel.io.expression import MatrixRules, read_expression
        from genoxel.io.germline import read_alleles, read_weights_of_variants
        from genoxel.omics.germline import PolygenicScore

        settings = _given(self.settings.polygenic)
        sheet, rules = self.sheet(), MatrixRules(kind="germline", say=self.say)
        ids = sheet.patients if sheet is not None else ()
        dosages = read_expression(self.study.file(settings.dosages), unit="copies", ids=ids, rules=rules)
        alleles = read_alleles(self.study.file(settings.alleles))
        score = PolygenicScore(alleles, read_weights_of_variants(self.study.file(settings.weights)), settings.known)
        for name, why in list(score.fit(dosages).left_out.items())[:10]:
            self.say(f"polygenic: {name} is left out: {why}")
        used = [name for name in dosages.names if name in alleles]
        return Recipe(dosages.select(used), (PolygenicScore(alleles, score.weights, settings.known),))

    def _series(self) -> Table:
        from genoxel.io.assays import read_series
        from genoxel.omics.series import beside_image
        from genoxel.omics.texts import read_dates

        settings = _given(self.settings.series)
        series = read_series(
            self.study.file(settings.file), settings.patient, settings.date, settings.values, settings.detection_limit
        )
        dates = read_dates(self._texts(settings.image, "series"), settings.image)
        return beside_image(series, settings.values, dates, settings.max_days)

    # targets

    def _target(self, name: str | None) -> dict[str, bool | None]:
        if name is None:
            return {}
        targets = self.study.settings.targets
        if name not in targets:
            raise SettingsError(f"omics.derive.glioma names {name!r}", ", ".join(targets) or "none", "name a target")
        one = targets[name]
        if one.quantile is not None or (one.score and self.found.recipe_of(one.score)):
            got = f"the target {name!r} in omics.derive.glioma, which is learned from the cohort"
            raise SettingsError(got, "a column, gene, rule or fixed cut", "this block is not made anew in each fold")
        outcome = self._outcome(name)
        if len(outcome.levels) != 2:
            raise SettingsError(f"the target {name!r} in omics.derive.glioma", "two classes", "name another")
        codes = zip(outcome.patients, outcome.values.tolist(), strict=True)
        return {who: None if np.isnan(code) else bool(code) for who, code in codes}

    def _outcome(self, name: str) -> Outcome:
        sheet, found = self.sheet(), self.found
        texts = sheet.texts() if sheet is not None else {}
        settings = self.study.settings.targets[name]
        return make_outcome(name, settings, texts, found.variants, found.scores, (), found.sources)[0]

    def _glioma(self) -> Table:
        from genoxel.omics.subtypes import GLIOMA_CLASSES, GLIOMA_THREE, GliomaFacts, glioma_class, glioma_three

        settings = _given(self.settings.glioma)
        idh, codel = self._target(settings.idh), self._target(settings.codeletion)
        tert, egfr, seven = (self._target(one) for one in (settings.tert, settings.egfr, settings.gain7_loss10))
        cdkn, h3 = self._target(settings.cdkn2ab), self._target(settings.h3_k27)
        grades = self._grades(settings.grade) if settings.grade else {}
        people = list(dict.fromkeys([*idh, *codel]))
        three, classes, grade = {}, {}, {}
        for who in people:
            facts = GliomaFacts(
                *(idh.get(who), codel.get(who), tert.get(who), egfr.get(who), seven.get(who), cdkn.get(who)),
                h3_k27=h3.get(who),
                grade=grades.get(who),
            )
            word, number = glioma_class(facts)
            three[who], classes[who] = glioma_three(facts.idh, facts.codeletion), word
            grade[who] = None if number is None else str(number)
        made: dict[str, tuple[Mapping[str, str | None], Sequence[str]]] = {
            "IDH and 1p/19q": (three, GLIOMA_THREE),
            "WHO 2021 class": (classes, GLIOMA_CLASSES),
        }
        table = _classes(made, "WHO 2021 (Louis et al., Neuro-Oncology 2021); TCGA 2015", "glioma")
        graded = _classes({"WHO 2021 grade": (grade, ("1", "2", "3", "4"))}, "WHO 2021 grade", "glioma", ordered=True)
        return table.beside(graded)

    def _grades(self, column: str) -> dict[str, int]:
        romans = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
        found = {}
        for who, text in self._texts(column, "glioma").items():
            word = text.strip().casefold().removeprefix("who").strip().removeprefix("grade").strip().removeprefix("g")
            number = romans.get(word) or (int(word) if word in ("1", "2", "3", "4") else None)
            if number:
                found[who] = number
        return found


def _beside(tables: Sequence[Table]) -> Table:
    """Return the columns of all tables for the rows of the first."""
    whole = tables[0]
    for table in tables[1:]:
        whole = whole.beside(table)
    return whole


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Return whether either holds; None where it is open."""
    return True if True in (one, other) else None if None in (one, other) else False


def _negative(*positives: bool | None) -> bool | None:
    """Return whether none holds; one that holds settles it, None where it is open."""
    return False if True in positives else None if None in positives else True


def _given(section: Thing | None) -> Thing:
    assert section is not None  # noqa: S101 - only keys that are there are asked for
    return section


def _need(thing: Thing | None, key: str) -> Thing:
    if thing is None:
        raise SettingsError(
            "a derived variable without its data", f"[omics] {key}", "add that key, or correct it first"
        )
    return thing


def _classes(
    made: Mapping[str, tuple[Mapping[str, str | None], Sequence[str]]], words: str, kind: str, ordered: bool = False
) -> Table:
    """Return one column of classes per name, for everyone that any of them knows."""
    people = tuple(dict.fromkeys(who for status, _ in made.values() for who in status))
    values = np.full((len(people), len(made)), np.nan)
    columns = []
    for at, (name, (status, levels)) in enumerate(made.items()):
        for row, who in enumerate(people):
            word = status.get(who)
            values[row, at] = np.nan if word is None else list(levels).index(word)
        source = Source(family=kind)
        columns.append(
            Column(name, "ordinal" if ordered else "categorical", definition=words, source=source, levels=tuple(levels))
        )
    return Table(values, as_keys(people), tuple(columns), kind)

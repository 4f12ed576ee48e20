"""What was found about the meaning of features and about groups of patients, in sentences that cite their tables."""

from __future__ import annotations

from markupsafe import Markup

from genoxel.associate.findings import Groups, Meaning
from genoxel.report.cite import Cite, named

BLURRED = 0.1
"""Above this share of ambiguous pairs the report says that the groups have no clear borders."""


def enrichment_sentence(cite: Cite, found: Meaning) -> Markup:
    """Return how many gene sets stand out, and how many would if genes were moved instead of patients."""
    if found.enrichment is None:
        return Markup()
    row = cite.book["meaning"].find(what="enrichment")
    number = _numbers(cite, row)
    ending = Markup(" The features were {}.").format(named(found.chosen)) if found.chosen else Markup()
    if not found.enrichment.passing:
        text = Markup(
            "No gene set stands out: none of {} pairs of a set with one of {} features and groups passes (n up to {}). "
            "Weaker sets are not excluded."
        ).format(number("asked"), number("sources"), number("n"))
    else:
        text = Markup(
            "{} of {} pairs of a gene set with one of {} features and groups pass a false discovery rate of {}; first "
            "comes {} with {} (q {})."
        ).format(
            *(number(name) for name in ("passing", "asked", "sources", "q")),
            *(named(cite.book["gene_sets"].shown(0, name)) for name in ("set", "source")),
            cite("gene_sets", 0, "q"),
        )
    if found.enrichment.adjusted_for:
        held = named(", ".join(found.enrichment.adjusted_for))
        text += Markup(" After adjustment for {}: {}.").format(held, number("adjusted"))
    if found.enrichment.smallest_q > found.enrichment.q:
        text += Markup(" With {} worlds no single row could have passed (smallest q {}): ask for more.").format(
            number("worlds"), number("smallest_q")
        )
    if cite.book["meaning"].shown(row, "by_genes") != "–":
        text += Markup(
            " Had genes been moved instead of patients, as is usual, {} would pass: correlated genes deceive that test."
        ).format(number("by_genes"))
    return text + ending


def modules_sentence(cite: Cite, found: Meaning) -> Markup:
    """Return how many sets metagenes hold more of than chance."""
    if found.modules is None:
        return Markup()
    number = _numbers(cite, cite.book["meaning"].find(what="modules"))
    text = Markup(
        "{} of {} pairs of {} metagenes and a gene set share more genes than chance would give (q at most {})."
    )
    return text.format(*(number(name) for name in ("passing", "asked", "sources", "q")))


def activity_sentence(cite: Cite, found: Meaning) -> Markup:
    """Return how many gene set scores the image predicts on patients not learned from."""
    if found.activity is None:
        return Markup()
    number = _numbers(cite, cite.book["meaning"].find(what="activity"))
    if not found.activity.passing:
        text = Markup("The image predicts none of {} pathway scores on patients not learned from (n = {}).")
        return text.format(number("asked"), number("n"))
    best = Markup("{}: rho {} ({} to {})").format(
        named(cite.book["activity"].shown(0, "target")), *(cite("activity", 0, name) for name in ("rho", "low", "high"))
    )
    text = Markup(
        "The image predicts {} of {} pathway scores on patients not learned from (n = {}); the clearest is {}."
    )
    return text.format(number("passing"), number("asked"), number("n"), best)


def triples_sentence(cite: Cite, found: Meaning) -> Markup:
    """Return how many features follow copies and expression of a gene alike."""
    if found.triples is None:
        return Markup()
    number = _numbers(cite, cite.book["meaning"].find(what="triples"))
    if not found.triples.passing:
        return Markup(
            "No feature follows both the copies and the expression of a gene among {} triples (n = {})."
        ).format(number("asked"), number("n"))
    text = Markup("In {} of {} triples a feature follows the copies and the expression of a gene alike (n = {}).")
    return text.format(number("passing"), number("asked"), number("n"))


def groups_sentence(cite: Cite, found: Groups) -> Markup:
    """Return whether there is more than one group, by what, and how clearly."""
    number = _numbers(cite, 0, "patient_groups")
    by = named(" and ".join(found.blocks))
    if found.found.k < 2:
        text = Markup(
            "No cluster structure beyond one group: {} patients, by {}, fall apart no more clearly than clouds of one "
            "group with the same correlations do (p {}). Cutting them would describe the cut, not the patients, so "
            "nothing was compared between pieces."
        )
        return text.format(number("n"), by, number("p"))
    text = Markup("{} groups of {} patients, by {}, made in {} (p of more than one group {}; {} clouds of one group).")
    words = text.format(number("k"), number("n"), by, named(found.makers), number("p"), number("worlds"))
    row = found.found.k - int(found.found.counts["k"][0])
    pac, null = (cite("counts_of_groups", row, name) for name in ("pac", "null_mean"))
    words += Markup(" Of all pairs of patients {} are ambiguous (one group: {}).").format(pac, null)
    if float(found.found.counts["pac"][row]) > BLURRED:
        words += Markup(" The groups have no clear borders: who belongs where is a matter of degree.")
    return words


def replication_sentence(cite: Cite, found: Groups) -> Markup:
    """Return how many groups come back in patients who did not make them."""
    if found.replication is None:
        return Markup()
    rows = cite.book["replication"].rows
    each = [
        Markup("{} {} (one group: {}, p {})").format(
            named(row[0]), *(cite("replication", place, name) for name in ("igp", "null_mean", "p"))
        )
        for place, row in enumerate(rows)
    ]
    text = Markup("In patients who did not make the groups, the in-group proportion is {}.").format(
        Markup("; ").join(each)
    )
    again = "come" if found.replication.p <= found.replication.q else "do not come"
    whole = Markup(" As a whole the groups {} back: they leave {} of the spread within, cuts of one cloud {} (p {}).")
    numbers = (cite("again", 0, name) for name in ("within", "null_within", "p"))
    return text + whole.format(named(again), *numbers)


def survival_sentence(cite: Cite, found: Groups) -> Markup:
    """Return whether groups live differently: of those who did not make them, where there are such."""
    again = found.again is not None
    one = found.again if again else found.survival
    if one is None:
        return Markup()
    key = "survival_again" if again else "survival_of_groups"
    who = "patients who did not make the groups" if again else "the patients who made the groups"
    if one.why:
        return Markup("Survival of {} was not tested: {}.").format(named(who), named(one.why))
    text = Markup("Survival of {}: log-rank p {}; hazard ratio against the first group: {}.")
    ratios = [
        Markup("{} {} ({} to {})").format(
            named(row[0]), *(cite(key, place, name) for name in ("hazard_ratio", "low", "high"))
        )
        for place, row in enumerate(cite.book[key].rows)
        if place
    ]
    words = text.format(named(who), cite(key, 0, "p"), Markup(", ").join(ratios))
    if one.adjusted_for:
        beside = [
            Markup("{} {} ({} to {})").format(
                named(row[0]),
                *(cite(key, place, name) for name in ("hazard_ratio_adjusted", "low_adjusted", "high_adjusted")),
            )
            for place, row in enumerate(cite.book[key].rows)
            if place
        ]
        words += Markup(" Beside {}: {}.").format(named(", ".join(one.adjusted_for)), Markup(", ").join(beside))
    return words


def _numbers(cite: Cite, row: int, key: str = "meaning"):  # type: ignore[no-untyped-def]
    return lambda name: cite(key, row, name)

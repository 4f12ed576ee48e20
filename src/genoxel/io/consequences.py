"""What a variant does to its gene, in the words of VEP and SnpEff, read as the classes of the MAF format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genoxel.core.errors import FileFormatError

_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Splice_Site", ("transcript_ablation", "splice_acceptor_variant", "splice_donor_variant", "exon_loss_variant")),
    ("Nonsense_Mutation", ("stop_gained",)),
    ("Frame_Shift", ("frameshift_variant",)),
    ("Nonstop_Mutation", ("stop_lost",)),
    ("Translation_Start_Site", ("start_lost", "initiator_codon_variant")),
    (
        "In_Frame",
        (
            *("inframe_insertion", "inframe_deletion", "conservative_inframe_insertion"),
            *("disruptive_inframe_insertion", "conservative_inframe_deletion", "disruptive_inframe_deletion"),
        ),
    ),
    ("Protein", ("protein_altering_variant",)),
    ("Missense_Mutation", ("missense_variant", "rare_amino_acid_variant", "coding_sequence_variant")),
    (
        "Splice_Region",
        (
            *("splice_region_variant", "splice_donor_5th_base_variant", "splice_donor_region_variant"),
            "splice_polypyrimidine_tract_variant",
        ),
    ),
    (
        "Silent",
        (
            *("synonymous_variant", "stop_retained_variant", "start_retained_variant"),
            *("incomplete_terminal_codon_variant", "NMD_transcript_variant"),
        ),
    ),
    ("5'UTR", ("5_prime_UTR_variant", "5_prime_UTR_premature_start_codon_gain_variant")),
    ("3'UTR", ("3_prime_UTR_variant",)),
    (
        "RNA",
        (
            *("mature_miRNA_variant", "non_coding_transcript_exon_variant", "non_coding_exon_variant"),
            *("non_coding_transcript_variant", "nc_transcript_variant", "exon_variant"),
        ),
    ),
    ("Intron", ("intron_variant", "intragenic_variant", "transcript_amplification")),
    ("5'Flank", ("upstream_gene_variant",)),
    ("3'Flank", ("downstream_gene_variant",)),
    ("Targeted_Region", ("regulatory_region_variant", "TF_binding_site_variant", "feature_variant")),
    ("IGR", ("intergenic_variant", "intergenic_region", "sequence_variant", "transcript_variant", "gene_variant")),
)
_RANK = {term: place for place, (_, terms) in enumerate(_CLASSES) for term in terms}
_NAME = {term: name for name, terms in _CLASSES for term in terms}


def classification(terms: str, ref: str, alt: str) -> str:
    """Return the MAF class of the gravest of several Sequence Ontology terms joined by '&'.

    Terms that nobody knows are given back as they stand, so that they count as neither altering nor silent.
    Source: the table of Sequence Ontology terms and MAF classes of the GDC MAF format.

    >>> classification("missense_variant&splice_region_variant", "C", "T")
    'Missense_Mutation'
    >>> classification("frameshift_variant", "CA", "C")
    'Frame_Shift_Del'
    """
    listed = [term for term in terms.split("&") if term in _RANK]
    if not listed:
        return terms or "Unknown"
    name = _NAME[min(listed, key=_RANK.__getitem__)]
    if name == "Protein":
        name = "In_Frame" if (len(ref) - len(alt)) % 3 == 0 else "Frame_Shift"
    if name in ("Frame_Shift", "In_Frame"):
        return f"{name}_{'Ins' if len(alt) > len(ref) else 'Del'}"
    return name


def rank(terms: str) -> int:
    """Return how grave the gravest of the terms is; 0 is worst."""
    return min((_RANK.get(term, len(_CLASSES)) for term in terms.split("&")), default=len(_CLASSES))


@dataclass(frozen=True)
class Effect:
    """What a variant does to one gene."""

    gene: str
    terms: str
    protein: str
    coding: str


class Annotation:
    """Reads the annotation of one VCF file: CSQ of VEP or ANN of SnpEff; the header says which and in what order.

    One transcript speaks for an allele: the one that VEP picked (PICK), else the canonical one, else the gravest, and
    the first of these.
    """

    def __init__(self, headers: Mapping[str, str], name: str) -> None:
        self.key = next((key for key in ("CSQ", "vep", "ANN") if key in headers), "")
        if not self.key:
            raise FileFormatError(
                f"{name} without annotation of genes (no CSQ of VEP and no ANN of SnpEff in its header)",
                "an annotated VCF",
                "annotate it with VEP (--vcf --symbol --hgvs) or SnpEff",
            )
        text = headers[self.key]
        if self.key == "ANN":
            self.order = ["Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE"]
            self.order += ["Rank", "HGVSc", "HGVSp"]
        else:
            self.order = text.partition("Format: ")[2].strip("\">' ").split("|")
        self.place = {field: place for place, field in enumerate(self.order)}
        if "SYMBOL" not in self.place or "Consequence" not in self.place:
            fix = "run VEP with --symbol"
            raise FileFormatError(f"{name} whose {self.key} has no SYMBOL or no Consequence", "both fields", fix)

    def effect(self, value: str, ref: str, alts: Sequence[str], alt: str) -> Effect | None:
        """Return the effect of allele `alt`, or None where nothing was annotated for it."""
        entries = [entry.split("|") for entry in value.split(",")]
        mine = [entry for entry in entries if self._is_of(entry, ref, alts, alt)]
        if not mine:
            return None
        best = min(mine, key=lambda entry: (self._get(entry, "PICK") != "1", *self._order_of(entry)))
        protein = self._get(best, "HGVSp").rpartition(":")[2].replace("%3D", "=")
        coding = self._get(best, "HGVSc").rpartition(":")[2]
        return Effect(self._get(best, "SYMBOL"), self._get(best, "Consequence"), protein, coding)

    def _order_of(self, entry: Sequence[str]) -> tuple[bool, int]:
        return self._get(entry, "CANONICAL") != "YES", rank(self._get(entry, "Consequence"))

    def _get(self, entry: Sequence[str], field: str) -> str:
        place = self.place.get(field)
        return entry[place] if place is not None and place < len(entry) else ""

    def _is_of(self, entry: Sequence[str], ref: str, alts: Sequence[str], alt: str) -> bool:
        number = self._get(entry, "ALLELE_NUM")
        if number:
            return number == str(alts.index(alt) + 1)
        allele = self._get(entry, "Allele")
        if self.key == "ANN":
            return allele == alt
        if len(alts) == 1:
            return True
        same = all(other[:1] == ref[:1] for other in alts)
        short = any(len(other) != len(ref) for other in alts)
        return allele == ((alt[1:] or "-") if same and short else alt)

"""cBioPortal's web API: mutations, who was profiled with which panel, and clinical facts, as a study folder.

Source of the questions and answers: cBioPortal's OpenAPI description (Mutation, GenePanelData, ClinicalData). The
folder that is written is the one cBioPortal itself loads, so `genoxel.read_cbioportal` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genoxel.core.errors import RemoteError, SettingsError
from genoxel.io.files import atomic_write
from genoxel.io.online.web import Web

API = "https://www.cbioportal.org/api"
_CHUNK = 50
_MAF = {
    "Entrez_Gene_Id": "entrezGeneId",
    "NCBI_Build": "ncbiBuild",
    "Chromosome": "chr",
    "Start_Position": "startPosition",
    "End_Position": "endPosition",
    "Variant_Classification": "mutationType",
    "Variant_Type": "variantType",
    "Reference_Allele": "referenceAllele",
    "Tumor_Seq_Allele2": "variantAllele",
    "Tumor_Sample_Barcode": "sampleId",
    "t_ref_count": "tumorRefCount",
    "t_alt_count": "tumorAltCount",
    "Mutation_Status": "mutationStatus",
}
_NO_COUNT = ("-1", "")

Step = Callable[[bool], object]


def fetch_study(web: Web, study: str, folder: Path, step: Step | None = None) -> str:
    """Write the mutations, panels and clinical facts of a study to `folder` and return how it is to be cited.

    Mutations are asked for 50 samples at a time; only samples of the study's own list of sequenced samples count as
    profiled. Expression is not brought: the API gives it gene by gene, so take it from the study's own download.
    Raises `SettingsError` for an identifier that is none, `RemoteError` for an unknown study or one without mutations.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", study):
        raise SettingsError(
            f"a study called {study[:60]!r}", "an identifier such as gbm_tcga_pan_can_atlas_2018", "look it up"
        )
    about = web.json(f"{API}/studies/{study}")
    profiles = web.json(f"{API}/studies/{study}/molecular-profiles")
    profile = next((one for one in profiles if one["molecularAlterationType"] == "MUTATION_EXTENDED"), None)
    if profile is None:
        raise RemoteError(f"no mutations in the study {study}", "a study with mutations", "choose another study")
    identity = profile["molecularProfileId"]
    samples = sorted(web.json(f"{API}/sample-lists/{study}_sequenced/sample-ids"))
    _write(folder, "meta_study.txt", {"cancer_study_identifier": study})
    _mutations(web, identity, samples, folder, step)
    _panels(web, identity, samples, folder)
    _clinical(web, study, folder)
    lists = f"stable_id: {study}_sequenced\ncase_list_ids: " + "\t".join(samples) + "\n"
    atomic_write(folder / "case_lists" / "cases_sequenced.txt", lists)
    words = [about.get("name", study), about.get("citation", ""), f"PMID {about['pmid']}" if about.get("pmid") else ""]
    return ". ".join(word for word in words if word)


def _mutations(web: Web, profile: str, samples: Sequence[str], folder: Path, step: Step | None) -> None:
    """Write the MAF, 50 samples in memory at a time."""
    meta = {"genetic_alteration_type": "MUTATION_EXTENDED", "datatype": "MAF", "stable_id": "mutations"}
    _write(folder, "meta_mutations.txt", {**meta, "data_filename": "data_mutations.txt"})
    url = f"{API}/molecular-profiles/{profile}/mutations/fetch"

    def content(target: Any) -> None:
        target.write(("\t".join(["Hugo_Symbol", "HGVSp_Short", *_MAF]) + "\n").encode())
        for begin in range(0, len(samples), _CHUNK):
            chosen = list(samples[begin : begin + _CHUNK])
            found = web.json(url, {"sampleIds": chosen}, {"projection": "DETAILED"})
            for one in sorted(found, key=_order):
                target.write(("\t".join(_row(one, set(chosen))) + "\n").encode())
            if step is not None:
                step(False)

    atomic_write(folder / "data_mutations.txt", content)


def _order(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        str(one.get(key, "")) for key in ("sampleId", "chr", "startPosition", "variantAllele", "proteinChange")
    )


def _row(one: Mapping[str, Any], asked: set[str]) -> list[str]:
    symbol = one.get("gene", {}).get("hugoGeneSymbol")
    if not symbol or one.get("sampleId") not in asked:
        raise RemoteError("a mutation without gene or of a sample not asked for", "what was asked for", "run it again")
    protein = _cell(one.get("proteinChange"))
    protein = protein if not protein or protein.startswith("p.") else f"p.{protein}"
    cells = {name: _cell(one.get(key)) for name, key in _MAF.items()}
    for name in ("t_ref_count", "t_alt_count"):
        cells[name] = "" if cells[name] in _NO_COUNT else cells[name]
    return [symbol, protein, *cells.values()]


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _panels(web: Web, profile: str, samples: Sequence[str], folder: Path) -> None:
    """Write which panel each sample was profiled with, and the genes of each panel; whole exomes have none."""
    url = f"{API}/molecular-profiles/{profile}/gene-panel-data/fetch"
    data = web.json(url, {"sampleIds": list(samples)}, {"projection": "DETAILED"})
    panels = {one["sampleId"]: one["genePanelId"] for one in data if one.get("genePanelId")}
    if not panels:
        return
    kind = {"genetic_alteration_type": "GENE_PANEL_MATRIX", "datatype": "GENE_PANEL_MATRIX"}
    _write(folder, "meta_gene_panel_matrix.txt", {**kind, "data_filename": "data_gene_panel_matrix.txt"})
    rows = "".join(f"{sample}\t{panels.get(sample, 'NA')}\n" for sample in samples)
    atomic_write(folder / "data_gene_panel_matrix.txt", f"SAMPLE_ID\tmutations\n{rows}")
    for number, panel in enumerate(sorted(set(panels.values())), 1):
        genes = sorted(one["hugoGeneSymbol"] for one in web.json(f"{API}/gene-panels/{panel}")["genes"])
        text = f"stable_id: {panel}\ngene_list: " + "\t".join(genes) + "\n"
        atomic_write(folder / f"data_gene_panel_{number}.txt", text)


def _clinical(web: Web, study: str, folder: Path) -> None:
    for kind, level, key in (("PATIENT", "patient", "patientId"), ("SAMPLE", "sample", "sampleId")):
        query = {"clinicalDataType": kind, "projection": "SUMMARY"}
        rows: dict[tuple[str, str], dict[str, str]] = {}
        for one in web.json(f"{API}/studies/{study}/clinical-data", query=query):
            place = rows.setdefault((one["patientId"], one[key]), {})
            place[one["clinicalAttributeId"]] = _cell(one.get("value"))
        if not rows:
            continue
        names = sorted({name for row in rows.values() for name in row})
        head = ["PATIENT_ID", *(["SAMPLE_ID"] if kind == "SAMPLE" else []), *names]
        lines = [
            "\t".join([*(identity if kind == "SAMPLE" else identity[:1]), *(row.get(name, "") for name in names)])
            for identity, row in sorted(rows.items())
        ]
        file = f"data_clinical_{level}.txt"
        atomic_write(folder / file, "\n".join(["\t".join(head), *lines]) + "\n")
        meta = {"genetic_alteration_type": "CLINICAL", "datatype": f"{kind}_ATTRIBUTES", "data_filename": file}
        _write(folder, f"meta_clinical_{level}.txt", meta)


def _write(folder: Path, name: str, fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
    atomic_write(folder / name, "".join(f"{key}: {value}\n" for key, value in dict(fields).items()))

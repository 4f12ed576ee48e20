"""Molecular readers beside plain pandas: CPU time, wall time and peak memory of each, in a process of its own.

    python benchmarks/molecular.py [--rows 5000000] [--sites 1000000] [--samples 200] [--genes 20000] [--repeats 3]

The files are made here (seeded); each read runs in a fresh process, whose peak resident memory is what counts. The
smallest of several repeats is printed, with the bare imports of the same process beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLASSES = ("Missense_Mutation", "Silent", "Nonsense_Mutation", "Frame_Shift_Del", "Intron", "3'UTR", "Splice_Site")
WANTED = ("GENE00007", "GENE00123", "GENE01999")


def write_maf(path: Path, rows: int, samples: int = 5000, genes: int = 20000) -> None:
    random = np.random.default_rng(1)
    extra = [f"annotation_{number}" for number in range(24)]
    head = ["Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Variant_Classification"]
    head += ["Variant_Type", "Reference_Allele", "Tumor_Seq_Allele2", "Tumor_Sample_Barcode", "HGVSp_Short"]
    head += ["t_ref_count", "t_alt_count", *extra]
    rest = "\t".join("annotated" for _ in extra)
    with path.open("w") as file:
        file.write("\t".join(head) + "\n")
        for begin in range(0, rows, 100_000):
            count = min(100_000, rows - begin)
            gene, sample = random.integers(0, genes, count), random.integers(0, samples, count)
            place, word = random.integers(1, 240_000_000, count), random.integers(0, len(CLASSES), count)
            ref, alt, residue = (random.integers(1, 2000, count) for _ in range(3))
            file.writelines(
                f"GENE{g:05d}\tGRCh38\tchr{g % 22 + 1}\t{p}\t{p}\t{CLASSES[w]}\tSNP\tC\tT\tS{s:05d}"
                f"\tp.A{r}V{p}\t{a}\t{b}\t{rest}\n"  # no two protein changes alike: the worst case for memory
                for g, s, p, w, a, b, r in zip(gene, sample, place, word, ref, alt, residue, strict=True)
            )


def write_vcf(path: Path, sites: int, samples: int) -> None:
    random = np.random.default_rng(2)
    with path.open("w") as file:
        file.write("##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n")
        file.write('##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL|HGVSp">\n')
        names = [f"S{number}" for number in range(samples)]
        file.write("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]) + "\n")
        free = ["0/0:30,0"] * samples
        terms = ("missense_variant", "synonymous_variant", "intron_variant")
        for site in range(sites):
            cells = free.copy()
            for carrier in random.integers(0, samples, 2).tolist():
                cells[carrier] = "0/1:20,10"
            about = f"CSQ=T|{terms[site % 3]}|GENE{site % 20000:05d}|p.Ala{site % 900 + 1}Val"
            file.write(f"1\t{site + 1}\t.\tC\tT\t.\tPASS\t{about}\tGT:AD\t" + "\t".join(cells) + "\n")


def write_matrix(path: Path, genes: int, samples: int) -> None:
    random = np.random.default_rng(3)
    with path.open("w") as file:
        file.write("\t".join(["gene", *(f"S{number}" for number in range(samples))]) + "\n")
        for gene in range(genes):
            values = random.gamma(2, 50, samples)
            file.write(f"GENE{gene:05d}\t" + "\t".join(f"{value:.4f}" for value in values) + "\n")


def ours(kind: str, path: str) -> object:
    if kind == "matrix":
        from genoxel.io.expression import read_expression

        return read_expression(path, unit="tpm").values.shape
    from genoxel.omics.variants import status_table

    if kind == "maf":
        from genoxel.io.maf import read_maf

        records = read_maf(path, profiled=[f"S{number:05d}" for number in range(5000)])
    else:
        from genoxel.io.vcf import read_vcf

        records = read_vcf(path)
    return np.nansum(status_table(records, WANTED).values, axis=0).tolist()


def plain_pandas(kind: str, path: str) -> object:
    import pandas as pd

    if kind == "matrix":
        return pd.read_csv(path, sep="\t", index_col=0).T.shape
    if kind == "vcf":
        frame = pd.read_csv(path, sep="\t", comment=None, skiprows=3, dtype=str)
        fields = frame["INFO"].str.split("|", expand=True)
        genotypes = frame.iloc[:, 9:].apply(lambda column: column.str.contains("1", regex=False, na=False).to_numpy())
        altering = fields[1] == "missense_variant"
        return [int(genotypes[altering & (fields[2] == gene)].any().sum()) for gene in WANTED]
    frame = pd.read_csv(path, sep="\t", low_memory=False)
    silent = frame["Variant_Classification"].isin(["Silent", "Intron", "3'UTR"])
    kept = frame[~silent]
    return [kept.loc[kept["Hugo_Symbol"] == gene, "Tumor_Sample_Barcode"].nunique() for gene in WANTED]


def child(who: str, kind: str, path: str) -> None:
    import pandas  # noqa: F401, ICN001 - both start from the same imports
    import pyarrow.csv  # noqa: F401

    base = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    answer = (ours if who == "genoxel" else plain_pandas)(kind, path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - base.ru_utime - base.ru_stime
    found = {"wall_s": time.perf_counter() - began, "cpu_s": cpu, "peak_MiB": used.ru_maxrss / 1024}
    print(json.dumps({**found, "imports_MiB": base.ru_maxrss / 1024, "answer": answer}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--sites", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="maf,vcf,matrix")
    parser.add_argument("--child", nargs=3)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        makers = {
            "maf": lambda path: write_maf(path, asked.rows),
            "vcf": lambda path: write_vcf(path, asked.sites, asked.samples),
            "matrix": lambda path: write_matrix(path, asked.genes, 1000),
        }
        for kind in asked.only.split(","):
            path = Path(folder, f"file.{kind}")
            makers[kind](path)
            print(f"{kind}: {path.stat().st_size / 2**20:.0f} MiB on disk", flush=True)
            for who in ("genoxel", "pandas"):
                runs = []
                for _ in range(asked.repeats):
                    command = [sys.executable, __file__, "--child", who, kind, str(path)]
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    runs += [json.loads(done.stdout)] if done.returncode == 0 else []
                if not runs:
                    print(f"  {who:<8} failed: {done.stderr.strip().splitlines()[-1:]} (return code {done.returncode})")
                    continue
                best = {key: min(run[key] for run in runs) for key in ("wall_s", "cpu_s", "peak_MiB", "imports_MiB")}
                numbers = "  ".join(f"{key} {value:.1f}" for key, value in best.items())
                print(f"  {who:<8} {numbers}  {runs[0]['answer']}", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()

"""Genes as data: hotspots with hg19 coordinates, passenger genes, and the genes of the expression table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One variant as a MAF writes it."""

    position: int
    ref: str
    alt: str
    coding: str
    protein: str
    classification: str = "Missense_Mutation"


@dataclass(frozen=True)
class Driver:
    """A driver gene: Entrez id, chromosome, default mutant share, hotspots (commonest first), a silent one."""

    entrez: int
    chromosome: str
    prevalence: float
    hotspots: tuple[Variant, ...]
    silent: Variant


DRIVERS: Mapping[str, Driver] = {
    "IDH1": Driver(
        3417,
        "2",
        0.45,
        (
            Variant(209113112, "C", "T", "c.395G>A", "p.R132H"),
            Variant(209113113, "G", "A", "c.394C>T", "p.R132C"),
            Variant(209113113, "G", "T", "c.394C>A", "p.R132S"),
            Variant(209113113, "G", "C", "c.394C>G", "p.R132G"),
        ),
        Variant(209113192, "G", "A", "c.315C>T", "p.G105=", "Silent"),
    ),
    "TP53": Driver(
        7157,
        "17",
        0.40,
        (
            Variant(7577120, "C", "T", "c.818G>A", "p.R273H"),
            Variant(7578406, "C", "T", "c.524G>A", "p.R175H"),
            Variant(7577538, "C", "T", "c.743G>A", "p.R248Q"),
            Variant(7577539, "G", "A", "c.742C>T", "p.R248W"),
            Variant(7578212, "G", "A", "c.637C>T", "p.R213*", "Nonsense_Mutation"),
        ),
        Variant(7578210, "T", "C", "c.639A>G", "p.R213=", "Silent"),
    ),
    "EGFR": Driver(
        1956,
        "7",
        0.40,
        (
            Variant(55259515, "T", "G", "c.2573T>G", "p.L858R"),
            Variant(55221822, "C", "T", "c.866C>T", "p.A289V"),
            Variant(55233043, "G", "T", "c.1793G>T", "p.G598V"),
        ),
        Variant(55249063, "G", "A", "c.2361G>A", "p.Q787=", "Silent"),
    ),
    "KRAS": Driver(
        3845,
        "12",
        0.30,
        (
            Variant(25398285, "C", "A", "c.34G>T", "p.G12C"),
            Variant(25398284, "C", "T", "c.35G>A", "p.G12D"),
            Variant(25398284, "C", "A", "c.35G>T", "p.G12V"),
        ),
        Variant(25368462, "C", "T", "c.483G>A", "p.R161=", "Silent"),
    ),
    "BRAF": Driver(
        673,
        "7",
        0.15,
        (Variant(140453136, "A", "T", "c.1799T>A", "p.V600E"),),
        Variant(140453135, "C", "T", "c.1800G>A", "p.V600=", "Silent"),
    ),
    "PIK3CA": Driver(
        5290,
        "3",
        0.20,
        (
            Variant(178952085, "A", "G", "c.3140A>G", "p.H1047R"),
            Variant(178936091, "G", "A", "c.1633G>A", "p.E545K"),
        ),
        Variant(178936093, "G", "A", "c.1635G>A", "p.E545=", "Silent"),
    ),
    "PTEN": Driver(
        5728,
        "10",
        0.25,
        (
            Variant(89692905, "G", "A", "c.389G>A", "p.R130Q"),
            Variant(89717672, "C", "T", "c.697C>T", "p.R233*", "Nonsense_Mutation"),
        ),
        Variant(89692906, "A", "G", "c.390A>G", "p.R130=", "Silent"),
    ),
}

PASSENGERS: Mapping[str, tuple[int, str, int]] = {
    "TTN": (7273, "2", 179390716),
    "MUC16": (94025, "19", 8959520),
    "RYR2": (6262, "1", 237205505),
    "PCLO": (27445, "7", 82383329),
    "FLG": (2312, "1", 152274651),
    "LRP2": (4036, "2", 169983619),
    "DNAH5": (1767, "5", 13690440),
    "SPTA1": (6708, "1", 158580496),
}

MODULE_GENES = tuple(
    """VEGFA CA9 ADM ANKRD37 BNIP3 EGLN3 LDHA NDRG1 PDK1 PGK1 SLC2A1 P4HA1""".split()  # noqa: SIM905
)

PATHWAYS: Mapping[str, tuple[str, ...]] = {
    "proliferation": tuple("MKI67 TOP2A CCNB1 CDK1 AURKA BUB1 PLK1 MCM2 PCNA".split()),  # noqa: SIM905
    "t-cells": tuple("CD3E CD8A GZMB PRF1 IFNG CXCL10 LAG3 PDCD1 CD274".split()),  # noqa: SIM905
    "stroma": tuple("COL1A1 COL1A2 COL3A1 FN1 SPARC TIMP1 MMP2 SERPINE1 TGFB1".split()),  # noqa: SIM905
}
"""Gene sets of the expression tables beside the module of hypoxia, each of which may follow a trait."""

OTHER_GENES = tuple(
    """ACTB GAPDH B2M RPLP0 TUBB HPRT1 PPIA TBP YWHAZ SDHA GFAP OLIG2 SOX2 NES PROM1 CD44 MKI67 TOP2A CCNB1 CDK1
    AURKA BUB1 PLK1 MCM2 PCNA CCND1 CDK4 CDK6 MDM2 RB1 E2F1 MYC MYCN PDGFRA KIT MET FGFR3 ERBB2 AKT1 MTOR STAT3
    NFKB1 RELA TNF IL6 CXCL8 CXCL10 CCL2 CD3E CD8A CD4 FOXP3 PDCD1 CD274 CTLA4 LAG3 GZMB PRF1 IFNG CD68 CD163
    ITGAM AIF1 PTPRC COL1A1 COL1A2 COL3A1 FN1 VIM SPARC TIMP1 MMP2 MMP9 SERPINE1 TGFB1 SNAI1 TWIST1 ZEB1 CDH1 CDH2
    EPCAM KRT8 KRT18 SFTPC SFTPB NKX2-1 MBP PLP1 MOG SYP SNAP25 RBFOX3 GAD1 SLC17A7 AQP4 S100B CHI3L1 PTPRZ1 BCAN
    NCAM1 DLL3 ASCL1 HES1 NOTCH1 GLI1 PTCH1 WNT5A AXIN2 LEF1 TCF7 DKK1""".split()  # noqa: SIM905
)

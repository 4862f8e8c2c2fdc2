"""The figures the synthetic caseload follows, each with where it is from.

Published ones are checked against the whole caseload by tests/test_demo_figures.py. Where no
figure was at hand the value is this demonstration's choice and says so.
"""

from __future__ import annotations

from typing import Final

Weighted = tuple[tuple[str, float], ...]

#: Median survival in months by grade (registry outcomes in the product's design notes).
MEDIAN_SURVIVAL: Final = {"G1": 279, "G2": 167, "G3": 18}
#: Alive after five years, all grades (the same).
FIVE_YEAR_SURVIVAL: Final = 0.74
#: Patients whose first treatments include a class (the same). One patient may have several.
FIRST_TREATMENTS: Final = {
    "surgery": 0.71, "SSA": 0.32, "chemotherapy": 0.20, "PRRT": 0.09, "targeted": 0.08,
}  # fmt: skip
#: What still counts as a first treatment: begun so soon after diagnosis (choice).
FIRST_TREATMENT_DAYS: Final = 365
#: Grade and stage are missing in some records. The largest registry has 69 and 62 %; the centres
#: of this demonstration do better (choice).
GRADE_KNOWN: Final = 0.86
STAGE_KNOWN: Final = 0.84

#: Primary sites by ICD-O-3 topography: most often small bowel, pancreas, lung (design notes);
#: the shares are a choice.
SITES: Final[Weighted] = (
    ("C17.2", 25), ("C17.1", 2), ("C25.0", 8), ("C25.1", 6), ("C25.2", 10), ("C34.1", 7),
    ("C34.3", 8), ("C20.9", 6), ("C18.1", 6), ("C16.2", 5), ("C17.0", 3), ("C80.9", 5),
    ("C18.0", 3), ("C37.9", 1), ("C74.1", 3), ("C73.9", 2),
)  # fmt: skip
#: Grades by kind of site. Digestive and unknown together about 53, 33 and 14 % (choice: with the
#: medians above it gives the five-year survival above).
GRADES: Final[dict[str, Weighted]] = {
    "gep": (("G1", 51), ("G2", 34), ("NET_G3", 5), ("NEC", 10)),
    "lung": (("TC", 56), ("AC", 26), ("LCNEC", 9), ("SCLC", 9)),
    "ppgl": (("PPGL", 1),),
    "mtc": (("LOW", 3), ("HIGH", 1)),
}
#: The three steps of the published medians, and what the demonstration takes for the rest.
STEP: Final = {
    "G1": "G1", "TC": "G1", "LOW": "G1", "PPGL": "G1", "G2": "G2", "AC": "G2", "HIGH": "G2",
    "NET_G3": "G3", "NEC": "G3", "LCNEC": "G3", "SCLC": "G3",
}  # fmt: skip
MEDIAN_MONTHS: Final = {
    "G1": 279, "TC": 279, "LOW": 279, "PPGL": 279, "G2": 167, "AC": 167, "HIGH": 167,
    "NET_G3": 28, "NEC": 15, "LCNEC": 15, "SCLC": 13,
}  # fmt: skip
METASTATIC: Final = {
    "G1": 0.44, "G2": 0.66, "NET_G3": 0.7, "NEC": 0.72, "TC": 0.12, "AC": 0.35, "LCNEC": 0.5,
    "SCLC": 0.7, "PPGL": 0.12, "LOW": 0.2, "HIGH": 0.5,
}  # fmt: skip
#: How many times as often as that in some places: small tumours are found early (choice).
METASTATIC_BY_SITE: Final = {"C18.1": 0.2, "C16.2": 0.3, "C20.9": 0.4, "C17.2": 1.3, "C17.1": 1.3,
                             "C18.0": 1.2, "C25.2": 1.1}  # fmt: skip
#: How many times the hazard of death of the grade with metastases; without, so much less that the
#: median of the grade stays where it is (choice).
HAZARD_METASTATIC: Final = {"G1": 1.35, "G2": 1.25, "G3": 1.1}

#: Months to progression: median, and the shape of the Weibull curve (1 is exponential).
#: lanreotide 65.1 % at 24 months (CLARINET, S76); octreotide LAR 14.3 (PROMID, S60); PRRT 65.2 %
#: at 20 months (NETTER-1, S63), first line 22.8 (NETTER-2, S74), edotreotide 23.9 (COMPETE, S72);
#: everolimus 11.0 (RADIANT-3 and -4, S62, S77); sunitinib 11.4 (S61); cabozantinib 13.8 and 8.5
#: (CABINET, S73); capecitabine with temozolomide 22.7 (E2211, S55); temozolomide 14.4 (the same);
#: streptozocin 22.7 (SEQTOR, S67). The rest is general knowledge.
MONTHS_TO_PROGRESSION: Final = {
    "SSA_LAN": 35.2, "SSA_OCT_LAR": 14.3, "SSA_OCT_LAR_HIGH": 8.5, "PRRT_LU_DOTATATE": 29.4,
    "PRRT_LU_DOTATATE_1L": 22.8, "PRRT_LU_RETREAT": 13.0, "PRRT_LU_EDOTREOTIDE": 23.9, "EVE": 11.0,
    "SUN": 11.4, "CABO": 11.0, "CAPTEM": 22.7, "TEM": 14.4, "STZ_5FU": 22.7, "FOLFOX": 9.0,
    "EP_CARBO": 6.0, "EP_CIS": 6.2, "ATEZO_CE": 5.2, "FOLFIRI": 4.0, "TOPO": 3.0, "PAZO": 11.6,
    "IFN_A2B": 15.4, "CVD": 12.0, "MIBG_131I": 20.0, "VANDE": 28.0, "SELP": 36.0, "LIV_TAE": 14.0,
    "LIV_TACE": 14.0, "LIV_SIRT": 13.0, "SURV_ACTIVE": 26.0,
}  # fmt: skip
SHAPE: Final = 1.25
#: Death cuts some times short that a trial would have counted: drawn this much longer (choice).
DRAWN_LONGER: Final = 1.07
#: Complete and partial response together, of those treated. NETTER-1 18 against 3 % (S63),
#: NETTER-2 43.0 (S74), COMPETE 21.9 and everolimus 4.2 (S72), SEQTOR 30.3 (S67); the rest general
#: knowledge.
RESPONSE: Final = {
    "SSA_LAN": 0.03, "SSA_OCT_LAR": 0.03, "SSA_OCT_LAR_HIGH": 0.03, "PRRT_LU_DOTATATE": 0.18,
    "PRRT_LU_DOTATATE_1L": 0.43, "PRRT_LU_RETREAT": 0.10, "PRRT_LU_EDOTREOTIDE": 0.22, "EVE": 0.05,
    "SUN": 0.09, "CABO": 0.12, "CAPTEM": 0.36, "TEM": 0.25, "STZ_5FU": 0.30, "FOLFOX": 0.30,
    "EP_CARBO": 0.42, "EP_CIS": 0.42, "ATEZO_CE": 0.55, "FOLFIRI": 0.18, "TOPO": 0.10, "PAZO": 0.10,
    "IFN_A2B": 0.05, "CVD": 0.35, "MIBG_131I": 0.25, "VANDE": 0.40, "SELP": 0.65, "LIV_TAE": 0.45,
    "LIV_TACE": 0.45, "LIV_SIRT": 0.40,
}  # fmt: skip

#: Activity of one cycle of 177Lu-DOTATATE in GBq (label, S43; NETTER-1, S63).
PRRT_ACTIVITY_GBQ: Final = 7.4
PRRT_WEEKS: Final = 8
#: Share with a hereditary syndrome by site (general knowledge).
HEREDITARY: Final[dict[str, Weighted]] = {
    "C25": (("MEN1", 0.09), ("VHL", 0.02), ("TSC", 0.01)),
    "C17.0": (("MEN1", 0.10), ("NF1", 0.06)),
    "C37": (("MEN1", 0.20),),
    "C34": (("MEN1", 0.02),),
    "C74": (("SDHB", 0.09), ("VHL", 0.07), ("MEN2", 0.07), ("NF1", 0.05)),
    "C73": (("MEN2", 0.25),),
}
#: Share of functioning tumours with metastases, small bowel (carcinoid syndrome; general
#: knowledge), and of pancreatic tumours of any stage with the syndrome named.
CARCINOID: Final = 0.45
PANCREATIC: Final[Weighted] = (
    ("insulinoma", 0.09), ("gastrinoma", 0.05), ("glucagonoma", 0.015), ("vipoma", 0.015),
)  # fmt: skip

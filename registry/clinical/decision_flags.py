"""Flags on a therapy somebody considers: what blocks, asks for data, warns or informs.

Table: `data/decision_flags.csv` (S42, S43, S47, S61, S63, S65, S66, S73, S74, S76, S78). Levels in
order: reject, block_advice, need_data, warn, info; the first that applies is the answer. An empty
value means that the item is known to be missing; an item not mentioned raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from registry.clinical import sites, tables
from registry.clinical.ki67 import EXACTLY, parse_ki67
from registry.clinical.numbers import number
from registry.clinical.partial_dates import surely_before
from registry.clinical.results import COMPLETE, N_, Derived, Reason

RULE, VERSION = "DECISION-FLAGS", "1"
NONE = "none"
LEVELS = ("reject", "block_advice", "need_data", "warn", "info")

KRENNING_ENOUGH_FROM = 2
FIRST_LINE_KI67_FROM, FIRST_LINE_KI67_TO = Decimal(10), Decimal(55)
SSA_KI67_BELOW = Decimal(10)
LONG_ACTING_DAYS, SHORT_ACTING_HOURS = 28, 24
LABEL_AGE_FROM, CYCLES_TO, WEEKS_BETWEEN_CYCLES = 12, 4, 7
TABLET_MAXIMUM_MG = 60

KEYS = (
    "therapy", "krenning", "krenning_scale", "egfr", "differentiation", "grade", "ki67", "age",
    "days_since_SSA_LA", "hours_since_SSA_SA", "cycle", "weeks_since_last_cycle", "site",
    "functioning", "syndrome", "diarrhoea", "dpyd", "marker", "ppi", "dose",
    "prior_systemic_nonSSA", "start", "progression", "stop", "death",
)  # fmt: skip
EVENTS = ("progression", "stop", "death")
NUMBERS = ("krenning", "egfr", "age", "days_since_SSA_LA", "hours_since_SSA_SA", "cycle",
           "weeks_since_last_cycle", "dose", "prior_systemic_nonSSA")  # fmt: skip

ABSENT = ("", "not_known", "not_done", "not_available", "unknown")

Items = Mapping[str, str]


def read_items(text: str) -> dict[str, str]:
    """`key=value` pairs joined by ";" as items. Raises ValueError for what cannot be read."""
    items: dict[str, str] = {}
    for pair in filter(None, (p.strip() for p in text.split(";"))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or key not in KEYS or key in items:
            raise ValueError(N_("input: cannot read %(pair)s") % {"pair": pair[:60]})
        items[key] = value
    _check(items)
    return items


def _check(items: Items) -> None:
    """Refuse unknown codes and text where a number belongs, before any rule looks at them."""
    therapy = items.get("therapy", "")
    if therapy and therapy not in tables.by_key("therapies", "therapy_id"):
        raise ValueError(N_("therapy: unknown code %(value)s") % {"value": therapy[:40]})
    for key in NUMBERS:
        if items.get(key, "") not in ABSENT:
            number(items[key])
    if items.get("ki67", "") not in ABSENT:
        parse_ki67(items["ki67"])
    for key in ("start", *EVENTS):
        if items.get(key, "") not in ABSENT:
            surely_before(items[key], items[key])


def therapy_flags(items: Items) -> Derived:
    """The first flag that applies to a considered therapy, or *none*; all of them as reasons.

    `items` are those of `KEYS`. `flags` of the result holds every flag that applies, in order.
    Raises ValueError for an unknown therapy, a wrong number or a wrong date.
    """
    _check(items)
    found = [row for row in _ordered() if RULES[row["rule"]](items)]
    first = found[0] if found else None
    reasons = tuple(Reason(row["meaning"]) for row in found)
    return Derived(
        answer=first["flag"] if first else NONE,
        status=COMPLETE,
        reasons=reasons or (Reason(N_("Nothing to say with what was given.")),),
        flags=tuple(row["flag"] for row in found),
        inputs=dict(items),
        rule=RULE,
        version=VERSION,
        source=first["source"] if first else "project",
        confidence=first["confidence"] if first else "high",
    )


def _ordered() -> list[Mapping[str, str]]:
    return sorted(tables.rows("decision_flags"), key=lambda row: LEVELS.index(row["level"]))


# --- what a rule may ask


def _therapy(items: Items) -> Mapping[str, str]:
    empty = {"therapy_id": "", "class": "", "mechanism": "", "components": ""}
    return tables.by_key("therapies", "therapy_id").get(items.get("therapy", ""), empty)


def _prrt(items: Items) -> bool:
    return _therapy(items)["mechanism"] == "SSTR radionuclide"


def _first_line_prrt(items: Items) -> bool:
    return items.get("therapy") == "PRRT_LU_DOTATATE_1L"


def _missing(items: Items, key: str) -> bool:
    return key in items and items[key] in ABSENT


def _value(items: Items, key: str) -> Decimal | None:
    return None if items.get(key, "") in ABSENT else number(items[key])


def _below(items: Items, key: str, limit: Decimal | int) -> bool:
    value = _value(items, key)
    return value is not None and value < limit


def _over(items: Items, key: str, limit: Decimal | int) -> bool:
    value = _value(items, key)
    return value is not None and value > limit


def _ki67(items: Items) -> tuple[Decimal, int] | None:
    return None if items.get("ki67", "") in ABSENT else parse_ki67(items["ki67"]).deciding()


def _said_otherwise(items: Items, key: str, wanted: tuple[str, ...]) -> bool:
    return items.get(key, "") not in (*ABSENT, *wanted)


def _poor(items: Items) -> bool:
    return items.get("differentiation") == "poor" or items.get("grade") in ("NEC", "SCLC", "LCNEC")


def _insulinoma(items: Items) -> bool:
    return items.get("syndrome", "").lower() == "insulinoma"


def _scale_is_pet(items: Items) -> bool:
    scale = items.get("krenning_scale", "").lower()
    return "pet" in scale or "modified" in scale


def _out_of_order(items: Items) -> bool:
    start = items.get("start", "")
    if start in ABSENT:
        return False
    dates = [items[key] for key in EVENTS if items.get(key, "") not in ABSENT]
    return any(surely_before(when, start) for when in dates)


def _sunitinib_elsewhere(items: Items) -> bool:
    if items.get("therapy") != "SUN" or items.get("site", "") in ABSENT:
        return False
    entry = sites.by_word(items["site"])
    return entry is None or entry.triage_group != "pancreas"


def _regimen_for_nec(items: Items) -> bool:
    if "platinum-etoposide" not in _therapy(items)["mechanism"] or _poor(items):
        return False
    return items.get("grade") in ("G1", "G2", "NET_G1", "NET_G2", "1", "2")


def _no_indication(items: Items) -> bool:
    functioning_no = items.get("functioning") == "no"
    if items.get("therapy") == "TELO":
        other = _said_otherwise(items, "syndrome", ("carcinoid", "carcinoid_syndrome"))
        return functioning_no or other or items.get("diarrhoea") == "no"
    if items.get("therapy") == "DIAZ":
        return functioning_no or _said_otherwise(items, "syndrome", ("insulinoma",))
    return False


def _long_acting_for_tumour(items: Items) -> bool:
    return _therapy(items)["class"] == "SSA" and items.get("therapy") != "SSA_OCT_SC"


def _from_ten(items: Items) -> bool:
    found = _ki67(items)
    return found is not None and found >= (SSA_KI67_BELOW, EXACTLY)


def _under_range(items: Items) -> bool:
    found = _ki67(items)
    return _first_line_prrt(items) and found is not None and found < (FIRST_LINE_KI67_FROM, EXACTLY)


def _over_range(items: Items) -> bool:
    found = _ki67(items)
    return _first_line_prrt(items) and found is not None and found > (FIRST_LINE_KI67_TO, EXACTLY)


def _fluoropyrimidine(items: Items) -> bool:
    components = _therapy(items)["components"]
    return "capecitabine" in components or "fluorouracil" in components


def _cga_on_ppi(items: Items) -> bool:
    marker = items.get("marker", "").lower()
    return marker.startswith(("cga", "chromogranin a", "chromogranin_a")) and (
        items.get("ppi", "").lower() == "yes"
    )


RULES: Mapping[str, Callable[[Items], bool]] = {
    "date_order": _out_of_order,
    "cabozantinib_tablet_maximum": lambda items: (
        items.get("therapy") == "CABO" and _over(items, "dose", TABLET_MAXIMUM_MG)
    ),
    "sstr_not_enough": lambda items: (
        _prrt(items) and _below(items, "krenning", KRENNING_ENOUGH_FROM)
    ),
    "sstr_missing": lambda items: _prrt(items) and _missing(items, "krenning"),
    "egfr_missing": lambda items: _prrt(items) and _missing(items, "egfr"),
    "no_evidence_in_nec": lambda items: _prrt(items) and _poor(items),
    "under_trial_range": _under_range,
    "over_trial_range": _over_range,
    "long_acting_interval": lambda items: (
        _prrt(items) and _below(items, "days_since_SSA_LA", LONG_ACTING_DAYS)
    ),
    "short_acting_interval": lambda items: (
        _prrt(items) and _below(items, "hours_since_SSA_SA", SHORT_ACTING_HOURS)
    ),
    "under_label_age": lambda items: _prrt(items) and _below(items, "age", LABEL_AGE_FROM),
    "more_than_four_cycles": lambda items: _prrt(items) and _over(items, "cycle", CYCLES_TO),
    "cycle_interval": lambda items: (
        _prrt(items) and _below(items, "weeks_since_last_cycle", WEEKS_BETWEEN_CYCLES)
    ),
    "pancreas_only": _sunitinib_elsewhere,
    "no_role_in_nec": lambda items: _therapy(items)["class"] == "SSA" and _poor(items),
    "regimen_for_nec": _regimen_for_nec,
    "indication": _no_indication,
    "false_high_cga": _cga_on_ppi,
    "label_asks_earlier_therapy": lambda items: (
        items.get("therapy") == "CABO" and _below(items, "prior_systemic_nonSSA", 1)
    ),
    "uptake_not_above_liver": lambda items: (
        _prrt(items) and _scale_is_pet(items) and _value(items, "krenning") == KRENNING_ENOUGH_FROM
    ),
    "ki67_from_10": lambda items: _long_acting_for_tumour(items) and _from_ten(items),
    "dpyd_test": lambda items: _fluoropyrimidine(items) and _missing(items, "dpyd"),
    "raises_glucose": lambda items: (
        items.get("therapy") in ("EVE", "EVE_OCT") and _insulinoma(items)
    ),
}

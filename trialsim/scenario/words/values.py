"""Values of a scenario as text with their units, which the names of the fields say."""

from collections.abc import Mapping
from typing import Any, Final

_UNITS: Final = {
    "days": "days",
    "hours": "hours",
    "minutes": "minutes",
    "years": "years",
    "ml": "mL",
    "mmhg": "mmHg",
    "cm3": "cm3",
    "month": "a month",
    "patients": "patients",
    "per_cycle": "a cycle",
    "weight_kg": "kg",
    "strength_mg_per_ml": "mg/mL",
    "dose_ml_per_kg": "mL/kg",
    "dose_mg_per_kg": "mg/kg",
}
_ORDINALS: Final = ("day", "hour")
_DAYS: Final = {
    "every_day": "once a day",
    "monday_to_friday": "Mondays to Fridays",
    "monday_and_thursday": "Mondays and Thursdays",
}
_BOUNDS: Final = {
    "at_least": "at least",
    "more_than": "more than",
    "at_most": "at most",
    "less_than": "less than",
}


def unit_of(name: str) -> str:
    """Return the unit that a field's name ends in, or "".

    >>> unit_of("infusion_minutes"), unit_of("systolic_mmhg"), unit_of("patients"), unit_of("sex")
    ('minutes', 'mmHg', 'patients', '')
    """
    return _UNITS.get(name) or _UNITS.get(name.rsplit("_", 1)[-1], "")


def value_in_words(name: str, value: Any) -> str:
    """Return a field's value with its unit, otherwise as the file has it.

    >>> value_in_words("infusion_minutes", 60), value_in_words("activation_day", 14.0)
    ('60 minutes', 'day 14')
    >>> value_in_words("points", [[0, 0], [22, 10]])
    '(0, 0), (22, 10)'
    >>> value_in_words("candidates", [{"linear": {"hill": None}}, {"emax": {"ed50": 10.0}}])
    'linear, emax (ed50 10)'
    >>> value_in_words("infusion_chairs_per_site", None), value_in_words("equals", True)
    ('none', 'true')
    """
    if isinstance(value, list):
        told = (value_in_words("", part) for part in value)
        return ", ".join(
            f"({words})" if isinstance(part, list) else words
            for part, words in zip(value, told, strict=True)
        )
    if isinstance(value, Mapping):
        said = ((name, part) for name, part in value.items() if part is not None)
        return ", ".join(_entry_in_words(*entry) for entry in said)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return value
    last = name.rsplit("_", 1)[-1]
    return f"{last} {value:.12g}" if last in _ORDINALS else counted(value, unit_of(name))


def _entry_in_words(name: str, value: Any) -> str:
    """Return an entry of a mapping inside a list: what it says of itself in brackets."""
    if isinstance(value, Mapping):
        words = value_in_words("", value)
        return f"{name} ({words})" if words else name
    return f"{name} {value_in_words('', value)}"


def counted(number: float, unit: str) -> str:
    """Return a number with its unit, in the singular for 1.

    >>> counted(1, "days"), counted(3.6, "a month"), counted(4.0, "")
    ('1 day', '3.6 a month', '4')
    """
    one = number == 1 and unit.endswith("s")
    return f"{number:.12g} {unit[:-1] if one else unit}".rstrip()


def alternative_in_words(content: Mapping[str, Any], unit: str = "") -> str:
    """Return a distribution or an exposure model, the kind first.

    >>> alternative_in_words({"distribution": "normal", "mean": 64.0, "sd": 10.0}, "years")
    'normal (years): mean 64, sd 10'
    """
    parts = dict(content)
    kind = (parts.pop("distribution", None) or parts.pop("model")).replace("_", "-")
    inner = [part for part in parts.values() if isinstance(part, Mapping)]
    values, equals = (inner[0], " = ") if inner else (parts, " ")
    told = [
        f"{name}{equals}{value_in_words(name, value)}"
        for name, value in values.items()
        if value is not None
    ]
    head = f"{kind} ({unit})" if unit else kind
    return f"{head}: {', '.join(told)}" if told else head


def rule_in_words(rule: Mapping[str, Any], label: str) -> str:
    """Return the condition of a rule on a covariate that has a label, after the rule's own.

    >>> rule_in_words({"label": "45 to 85", "covariate": "age_years", "at_least": 45.0,
    ...                "at_most": 85.0, "equals": None}, "Age")
    '45 to 85 (Age: at least 45 years and at most 85 years)'
    """
    unit = unit_of(rule["covariate"])
    told = [
        f"{words} {counted(rule[name], unit)}"
        for name, words in _BOUNDS.items()
        if rule.get(name) is not None
    ]
    if rule.get("equals") is not None:
        told.append(value_in_words("", rule["equals"]).replace("_", " "))
    if rule.get("one_of") is not None:
        told.append(value_in_words("", rule["one_of"]).replace("_", " "))
    return f"{rule['label']} ({label}: {' and '.join(told)})"


def schedule_in_words(schedule: Mapping[str, Any]) -> str:
    """Return on which days something is given.

    >>> schedule_in_words({"per_cycle": 20, "days": "monday_to_friday", "cycles": 2,
    ...                    "cycle_every_days": 84})
    '20 times, Mondays to Fridays, in each of 2 cycles that begin 84 days apart'
    """
    days = _DAYS[schedule["days"]]
    if schedule["per_cycle"] == schedule["cycles"] == 1 and not schedule.get("then"):
        return "once"
    words = f"{schedule['per_cycle']} times, {days}"
    if schedule["cycles"] > 1:
        words += f", in each of {schedule['cycles']} cycles that begin "
        words += f"{schedule['cycle_every_days']} days apart"
    if schedule.get("then"):
        words += f"; then {schedule_in_words(schedule['then'])}"
    return words

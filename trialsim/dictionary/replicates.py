"""The numbers that a run keeps of each replicate, as the columns of its parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pandas import DataFrame

from trialsim.dictionary.column import Column
from trialsim.scenario.programme import Study

_TABLE: Final = "parts"
_YES: Final = "1 yes, 0 no"
_OWN: Final = "estimate"
"""Stands for the quantity that the primary analysis estimates."""
_NUMBERS: Final[Mapping[str, Column]] = {
    "estimate": Column("Estimate of the primary analysis", _OWN),
    "low": Column("Lower end of its confidence interval", _OWN),
    "high": Column("Upper end of its confidence interval", _OWN),
    "p_value": Column("Its p-value", "proportion, 0 to 1"),
    "rejected": Column("Whether the null hypothesis is rejected", codes=_YES),
    "favoured": Column("Whether it is rejected in favour of the treated", codes=_YES),
    "truth_over": Column("Numerator of the true effect's ratio of means, complete follow-up"),
    "truth_under": Column("Denominator of the true effect's ratio of means, complete follow-up"),
    "treated_analysed": Column("Patients of the treated arm who are analysed", "patients"),
    "control_analysed": Column("Patients of the control arm who are analysed", "patients"),
    "treated_mean": Column("Mean score of the treated who are analysed", "points"),
    "control_mean": Column("Mean score of the controls who are analysed", "points"),
    "screened": Column("Candidates screened", "candidates"),
    "recruitment_days": Column("Time from the trial's start to the end of recruitment", "days"),
    "duration_days": Column("Time from the trial's start to the last visit", "days"),
    "infusions_given": Column("Infusions given", "infusions"),
    "discontinued": Column("Patients whose infusions were stopped early for good", "patients"),
    "withdrawn": Column("Patients who withdrew", "patients"),
    "died": Column("Patients who died", "patients"),
    **{
        f"{arm}_{name}": Column(f"Patients of the {arm} arm who {what}", "patients")
        for name, what in (
            ("stopped_for_drug", "stopped infusions because of the drug"),
            ("rescued", "began a rescue treatment"),
            ("switched", "switched to another arm's drug"),
        )
        for arm in ("treated", "control")
    },
    "imbalance": Column(
        "Patients by which the compared arms differ, beyond their ratio", "patients"
    ),
    "guessed_right": Column(
        "Patients whose arm is guessed as that which is behind in the stratum", "proportion, 0 to 1"
    ),
    "chronological_bias": Column(
        "Bias of a difference of means if scores change by one SD from first to last patient",
        "SD",
    ),
    "naive_estimate": Column("Estimate at the stop, as if there were no looks", _OWN),
    "naive_low": Column("Lower end of its interval, as if there were no looks", _OWN),
    "naive_high": Column("Upper end of its interval, as if there were no looks", _OWN),
    "randomised": Column("Patients randomised", "patients"),
    "planned_patients": Column("Patients planned after the looks", "patients"),
    "analysed_at_stop": Column("Patients analysed at the stop", "patients"),
    "stop": Column("Place of the analysis that ended the trial, from 0"),
    "stop_z": Column("z statistic of the analysis that ended the trial"),
    "reversed": Column("Whether the completed data undo the stop", codes=_YES),
    **{
        f"stopped_for_{why}": Column(f"Whether a look stopped the trial for {why}", codes=_YES)
        for why in ("efficacy", "harm", "futility", "information")
    },
    "analysed": Column("Patients in the analyses of all trials", "patients"),
    "tau2": Column("Variance of the true effects between trials"),
    "i2": Column("Share of the variance of estimates that lies between trials"),
}
_AT_A_LOOK: Final[Mapping[str, Column]] = {
    "held": Column("whether it was held", codes=_YES),
    "day": Column("day of the data cut since the trial's first", "days"),
    "known": Column("patients whose endpoint is known", "patients"),
    "randomised": Column("patients randomised by the data cut", "patients"),
    "waiting": Column("patients randomised whose endpoint is to come", "patients"),
    "randomised_by_decision": Column("patients randomised by the decision", "patients"),
    "share": Column("information, of that planned at the end", "proportion"),
    "z": Column("z statistic"),
    "effect": Column("estimate", _OWN),
    "bound": Column("bound for efficacy on z"),
    **{
        why: Column(f"whether it stops the trial for {why}", codes=_YES)
        for why in ("efficacy", "harm", "futility")
    },
    "full_information": Column("whether all information is there", codes=_YES),
}
_ABOUT: Final[Mapping[str, tuple[str, Column]]] = {
    "replicate": ("whole number", Column("Number of the simulated trial under its seed")),
    "reason": ("text", Column("Why the trial could not be finished; missing if it was")),
    "traceback": ("text", Column("Where in the code it failed; missing if it did not")),
}
_PATTERNS: Final[tuple[tuple[re.Pattern[str], Column], ...]] = tuple(
    (re.compile(pattern), column)
    for pattern, column in (
        (
            r"secondary (?P<name>.*) (?P<what>rejected|favoured)",
            Column("Secondary analysis {name}: whether it is {what}", codes=_YES),
        ),
        (
            r"delta (?P<place>\d+) (?P<what>\w+)",
            Column("{what} of the primary analysis under the delta in place {place}, from 0"),
        ),
        (
            r"delta (?P<what>before|tipping)",
            Column(
                "Delta at which the conclusion changes ({what}); missing if it does not", "points"
            ),
        ),
        (
            r"estimand (?P<what>\w+) by (?P<name>.*)",
            Column("Analysis {name}: {what}"),
        ),
        (
            r"estimand (?P<event>.*) if (?P<arm>treated|control)",
            Column("Patients with {event}, had all been in the {arm} arm", "patients"),
        ),
        (
            r"estimand (?P<what>affected|alive)",
            Column(
                "Patients at the visit, {what}",
                "patients",
                "alive: then; affected: of those, with a missing score or after an event",
            ),
        ),
        (
            r"estimand (?P<variable>\d+) (?P<name>.*) (?P<arm>treated|control) (?P<cell>\d+)",
            Column(
                "Variable {variable}, estimand {name}: potential outcomes in cell {cell}, worst "
                "first, had all been in the {arm} arm",
                "patients",
            ),
        ),
        (
            r"estimand (?P<variable>\d+) (?P<name>.*) "
            r"(?P<what>better|compared|population|valueless)",
            Column(
                "Variable {variable}, estimand {name}: patients, {what}",
                "patients",
                "better: whose value is better in the treated arm than in the control arm, ties "
                "half; compared: those of whom it is asked; population: of the estimand; "
                "valueless: without a value in one of the arms",
            ),
        ),
        (
            r"truth\.(?P<arm>treated|control)\.(?P<cell>\d+)",
            Column("Complete follow-up: patients of the {arm} arm in cell {cell}", "patients"),
        ),
        (
            r"truth\.(?P<name>.*)\.(?P<what>effect|variance)",
            Column("Trial {name}, complete follow-up: {what}"),
        ),
        (
            r"pairs_(?P<what>won|lost)_on_(?P<level>.*)",
            Column("Pairs {what} by the treated on {level}, of all pairs", "proportion, 0 to 1"),
        ),
        (
            r"contrast_(?P<place>\d+)_(?P<shape>.*)",
            Column("Contrast {place}, {shape}: significant, for a benefit (1 yes, 0 no)"),
        ),
        (
            r"dose\.curve_(?P<shape>.*)",
            Column("Curve {shape}: its weight, 1 where it alone is chosen", "proportion, 0 to 1"),
        ),
        (
            r"dose\.complete_effect_of_(?P<arm>.*)",
            Column("Arm {arm}, complete follow-up: effect, on the scale of the curves"),
        ),
        (
            r"dose\.(?P<what>target|low|high|at_bound)",
            Column(
                "Target dose: {what} (target: estimate; low, high: its interval, in the unit of "
                "the doses; at_bound: a chosen curve has a parameter at the end of its range, 1 "
                "yes, 0 no)"
            ),
        ),
        (
            r"imbalance_in_(?P<name>.*)",
            Column(
                "Patients by which the compared arms differ in the class of {name} in which they "
                "differ most",
                "patients",
            ),
        ),
        (
            r"(?P<name>.*)\.(?P<what>estimate|favoured)",
            Column("Trial {name}, by its own plan: {what} (favoured: 1 yes, 0 no)"),
        ),
    )
)
"""Names that a study gives a part of, as the rooms of `replicates` make them."""
_OF_A_LOOK: Final = re.compile(r"look\.(.*)\.(\w+)")


def dictionary_of_parts(study: Study, names: Sequence[str]) -> DataFrame:
    """Return a row for each column of a run's parts: label, type, unit and codes.

    >>> import trialsim as ts
    >>> dictionary_of_parts(ts.load("cars1"), ["estimate"])["unit"].tolist()
    ['', 'Mann-Whitney effect', '', '']
    """
    return DataFrame(list(_rows(study, names)))


def _rows(study: Study, names: Sequence[str]) -> Iterator[dict[str, str]]:
    columns = {name: ("number", column_of(name)) for name in names}
    first, *last = _ABOUT.items()
    for name, (kind, column) in (first, *columns.items(), *last):
        unit = study.analysis.quantity.name if column.unit == _OWN else column.unit
        told = {"table": _TABLE, "column": name, "label": column.label, "type": kind}
        yield {**told, "unit": unit, "codes": column.codes}


def column_of(name: str) -> Column:
    """Return what a number is that is kept of each replicate."""
    if name in _NUMBERS:
        return _NUMBERS[name]
    look = _OF_A_LOOK.fullmatch(name)
    if look is not None and look[2] in _AT_A_LOOK:
        column = _AT_A_LOOK[look[2]]
        return column._replace(label=f"Look {look[1]}: {column.label}")
    for pattern, column in _PATTERNS:
        found = pattern.fullmatch(name)
        if found is not None:
            return column._replace(label=column.label.format_map(found.groupdict()))
    raise KeyError(f"{name} has no description")

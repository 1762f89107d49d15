"""Every score by visit, with what the analyses put in place of those not measured: ADEFF.

A flag ANLzzFL marks the records of one analysis, of the two arms that it compares: 01 is the
primary one, at every visit and of every outcome; 02 and on are the secondary ones, in the order of
the study file. A patient has one record for each outcome and visit that the analysis uses: a mixed
model uses every visit after baseline. The records are read off the very values that analyses use.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import WORST
from trialsim.arrays import Floats
from trialsim.reporting.cdisc.adam.exposure import parameter_columns
from trialsim.reporting.cdisc.adam.subject_level import (
    YES,
    YES_NO,
    date_part,
    treatment_columns,
    who_columns,
)
from trialsim.reporting.cdisc.metadata import (
    Dataset,
    Part,
    Variable,
    columns,
    copied,
    dataset,
    numbered,
)
from trialsim.reporting.cdisc.scales import parameter
from trialsim.reporting.cdisc.sdtm.findings import finding_rows, kind_of
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.cdisc.terminology import standard_list
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.mmrm import Mmrm
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.words.plan import plan_in_words

DECIMALS: Final = 9
"""Of values that are computed: far below any step of a scale, far above errors of rounding."""
_SOURCE_SAID: Final = "Of a record that was observed; empty of a derived one"
_ORDER: Final = ["USUBJID", "PARAMCD", "VISITNUM", "DTYPE", "AVAL"]
WORST_RANK: Final = "WORST RANK"
DERIVED: Final = "DERIVED"
_CARRIED: Final = {"locf": "LOCF", "bocf": "BOCF"}


_ADEFF: Final = (
    Variable(
        "ASEQ",
        "Analysis Sequence Number",
        "integer",
        "Derived",
        comment="1, 2, ... within USUBJID, in the order of PARAMCD, AVISITN, DTYPE and AVAL; two "
        "analyses may derive one score in different ways",
        mandatory=True,
    ),
    Variable(
        "AVISIT",
        "Analysis Visit",
        "text",
        "Assigned",
        comment="TV.VISIT: of a record that was observed its own, of a derived one that at which "
        "it stands for the missing score",
        mandatory=True,
    ),
    Variable("AVISITN", "Analysis Visit (N)", "integer", "Assigned", comment="TV.VISITNUM"),
    date_part("ADT", "Analysis Date", "--DTC of the record that SRCDOM and SRCSEQ name"),
    Variable(
        "ADY",
        "Analysis Relative Day",
        "integer",
        "Derived",
        comment="ADT - ADSL.RANDDT, plus 1 where ADT is not before it; empty where ADT is",
    ),
    Variable(
        "DTYPE",
        "Derivation Type",
        "text",
        "Derived",
        standard_list("DTYPE", ["LOCF", "BOCF", WORST_RANK, DERIVED]),
        "Empty as observed. LOCF: missing, the last score before it. BOCF: missing, the score at "
        "baseline. WORST RANK: dead, or ranked with the dead, by the time of the visit. DERIVED: a "
        "score that an estimand takes from elsewhere. Which holds is said at AVAL and at each flag",
    ),
    Variable(
        "AVAL",
        "Analysis Value",
        "float",
        "Derived",
        comment="By DTYPE: of an observed record --STRESN; LOCF the --STRESN of the last visit "
        "before AVISIT that has one and counts; BOCF BASE; WORST RANK one step beyond the worst "
        "end of the scale, right for ranks and not for means",
    ),
    Variable(
        "BASE",
        "Baseline Value",
        "float",
        "Derived",
        comment="AVAL of the record with ABLFL = 'Y' of the USUBJID and PARAMCD",
    ),
    Variable(
        "CHG",
        "Change from Baseline",
        "float",
        "Derived",
        comment=f"AVAL - BASE, rounded to {DECIMALS} decimals, so that equal changes are tied",
    ),
    Variable(
        "ABLFL",
        "Baseline Record Flag",
        "text",
        "Derived",
        YES,
        "Y where AVISIT = 'BASELINE', else empty",
    ),
    Variable("SRCDOM", "Source Data", "text", "Assigned", comment=_SOURCE_SAID),
    Variable("SRCVAR", "Source Variable", "text", "Assigned", comment=_SOURCE_SAID),
    copied("SRCSEQ", "Source Sequence Number", "--SEQ", "integer", comment=_SOURCE_SAID),
)


def efficacy(source: Source) -> Dataset:
    """Return ADEFF: scores as observed, and derived ones where an analysis has them."""
    rows, tests = _records(source), source.tests.outcomes.values()
    names = {test.code: parameter(test) for test in tests}
    seen = rows["minute"].notna().to_numpy(np.bool_)
    minutes = rows["minute"].fillna(0).to_numpy(np.int64)
    values = {
        "ASEQ": numbered(rows),
        "AVISIT": rows["VISIT"],
        "AVISITN": rows["VISITNUM"],
        "ADT": np.where(seen, source.calendar.sas_days(minutes), np.nan),
        "ADY": source.study_days(rows, minutes, seen),
        **{name: rows[name] for name in ("DTYPE", "AVAL", "BASE")},
        "CHG": (rows["AVAL"] - rows["BASE"]).round(DECIMALS),
        "ABLFL": np.where(rows["visit"].eq(BASELINE), "Y", ""),
        **{name: rows[name] for name in ("SRCDOM", "SRCVAR", "SRCSEQ")},
    }
    flags = [
        (Variable(flag, f"Analysis Flag {flag[3:5]}", "text", "Derived", YES, said), rows[flag])
        for flag, said in _flags(source).items()
    ]
    included = copied("FASFL", "Full Analysis Set Population Flag", "ADSL.FASFL", codes=YES_NO)
    return dataset(
        "ADEFF",
        "Efficacy Analysis",
        "BASIC DATA STRUCTURE",
        "One record per subject, parameter, analysis visit, derivation type and derived value",
        ("USUBJID", "PARAMCD", "AVISITN", "DTYPE", "ASEQ"),
        [
            *who_columns(source, rows),
            *treatment_columns(source, rows, actual=True),
            *parameter_columns(rows, names),
            *columns(_ADEFF, values),
            *flags,
            (included, rows["FASFL"]),
        ],
        [_part(source, name) for name in source.study.outcomes],
    )


def _part(source: Source, name: str) -> Part:
    """Return what the scores of an outcome are: its scale, and how derived ones are made."""
    test, outcome = source.tests.outcomes[name], source.study.outcomes[name]
    kind, _ = kind_of(source, test)
    said = (
        f"Observed: {test.domain}.{test.domain}STRESN where {test.domain}TESTCD = '{test.code}', "
        f"{outcome.low:g} to {outcome.high:g}, {outcome.better} is better. WORST RANK: "
        f"{_beyond(outcome):g}; in an analysis of changes BASE with CHG = {_fall(outcome):g}"
    )
    found = Variable("AVAL", parameter(test), kind, "Derived", comment=said)
    return Part("PARAMCD", test.code, found)


def _beyond(outcome: Outcome) -> float:
    """Return the score of whoever is ranked below all others: a step beyond the worst one."""
    end = outcome.low - outcome.step if outcome.sign > 0 else outcome.high + outcome.step
    return round(end, DECIMALS)


def _fall(outcome: Outcome) -> float:
    """Return the change of whoever is ranked below all others: a step beyond the worst one."""
    return round(-outcome.sign * (outcome.high - outcome.low + outcome.step), DECIMALS)


def plans_of(plan: AnalysisPlan) -> Iterator[tuple[str, AnalysisPlan]]:
    """Yield the flag of each analysis with its plan, the primary one first."""
    yield "ANL01FL", plan
    for place, further in enumerate(plan.further.values(), 2):
        yield f"ANL{place:02}FL", further


def _flags(source: Source) -> dict[str, str]:
    """Return what each flag marks: whose records, and what stands for those not measured."""
    names = ["the primary analysis, or of its like at another visit or of another outcome"]
    names += [f"the secondary analysis {name}" for name in source.study.analysis.further]
    found, all_arms = {}, source.study.design.arms
    for (flag, plan), name in zip(plans_of(source.study.analysis), names, strict=True):
        words = plan_in_words(plan, source.study.outcomes)
        rules = " ".join(words[rule] for rule in ("analysis_set", "missing_data", "death"))
        arms = " or ".join(f"'{all_arms[arm].label}'" for arm in (plan.treated, plan.control))
        found[flag] = f"Y on the records of {name}, where TRTP is {arms}. {rules}"
    return found


def _records(source: Source) -> DataFrame:
    """Return every record, a row for each patient, outcome, visit and derivation type."""
    observed = _observed(source)
    keys = ["subject", "PARAMCD", "visit", "DTYPE"]
    rows = observed
    for flag, used in _analysed(source):
        rows = rows.merge(used.assign(**{flag: "Y"}), on=[*keys, "AVAL"], how="outer")
    for flag, _ in plans_of(source.study.analysis):
        if flag not in rows:
            rows[flag] = ""
        rows[flag] = rows[flag].astype(object).fillna("")
    patients = source.patients
    included = Data(source.trial.batch, source.study.analysis).included[0]
    rows["FASFL"] = np.where(included[rows["subject"].to_numpy(np.int64) - 1], "Y", "N")
    rows = rows.merge(_baselines(observed), on=["subject", "PARAMCD"], how="left")
    kept = ["subject", "USUBJID", "SUBJID", "SITEID", "arm", "randomised_minute", "first_dose"]
    rows = rows.merge(patients[kept], on="subject").merge(source.visits, on="visit")
    rows = _with_sources(source, rows)
    return rows.sort_values(_ORDER).reset_index(drop=True)


def _with_sources(source: Source, rows: DataFrame) -> DataFrame:
    """Return records with the record of SDTM that each observed one is of."""
    found = finding_rows(source)[["USUBJID", "domain", "code", "visit", "seq"]]
    found = found.rename(columns={"domain": "SRCDOM", "code": "PARAMCD", "seq": "SRCSEQ"})
    rows = rows.merge(found, on=["USUBJID", "PARAMCD", "visit"], how="left")
    rows["SRCVAR"] = rows["SRCDOM"] + "STRESN"
    rows.loc[rows["DTYPE"].ne(""), ["SRCDOM", "SRCVAR"]] = ""
    rows.loc[rows["DTYPE"].ne(""), "SRCSEQ"] = np.nan
    return rows


def _observed(source: Source) -> DataFrame:
    visits = source.tables["visits"]
    parts = []
    for name, test in source.tests.outcomes.items():
        column = name if f"outcome_{name}" not in visits else f"outcome_{name}"
        seen = visits[visits[column].notna()]
        parts.append(
            DataFrame(
                {
                    "subject": seen["subject"],
                    "PARAMCD": test.code,
                    "visit": seen["visit"].astype(object),
                    "DTYPE": "",
                    "AVAL": seen[column].astype(np.float64),
                    "minute": seen["actual_minute"].astype(np.float64),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _baselines(observed: DataFrame) -> DataFrame:
    first = observed[observed["visit"].eq(BASELINE)]
    return first[["subject", "PARAMCD", "AVAL"]].rename(columns={"AVAL": "BASE"})


def _analysed(source: Source) -> Iterator[tuple[str, DataFrame]]:
    """Yield the flag of each analysis with the records that it uses."""
    plan = source.study.analysis
    every = [(name, visit) for name in source.study.outcomes for visit in _after_baseline(source)]
    for flag, one in plans_of(plan):
        yield flag, _used(source, one, every if one is plan else cells_of(source, one))


def cells_of(source: Source, plan: AnalysisPlan) -> list[tuple[str, str]]:
    """Return the outcomes, each with a visit, whose scores an analysis uses."""
    if isinstance(plan.test, Mmrm):
        return [(plan.endpoint, visit) for visit in _after_baseline(source)]
    if isinstance(plan.test, EventMethod) and plan.test.recovers:
        visits = _after_baseline(source)
        return [(plan.endpoint, visit) for visit in visits[: visits.index(plan.visit) + 1]]
    return list(plan.test.measured_at(plan))


def _after_baseline(source: Source) -> list[str]:
    return [name for name in source.study.design.visits if name != BASELINE]


def _used(source: Source, plan: AnalysisPlan, cells: list[tuple[str, str]]) -> DataFrame:
    parts = [_of_cell(source, plan, outcome, visit) for outcome, visit in cells]
    return pd.concat(parts, ignore_index=True)


def _of_cell(source: Source, plan: AnalysisPlan, name: str, visit: str) -> DataFrame:
    """Return the records of whom an analysis of one outcome at one visit takes, of its two arms."""
    trial, outcome = source.trial.batch, source.study.outcomes[name]
    changes = plan.measure == "change" and outcome.baseline is not None
    own = plan.model_copy(update={"measure": "change" if changes else "score"})
    data = Data(trial, own).of(name, visit)
    place = list(source.study.design.visits).index(visit)
    seen = trial.scores.at(name, place)[0]
    base = trial.underlying.at(name, 0)[0]
    treated, control = data.arms
    cell, analysed = data.values.cell[0], (data.values.analysed & (treated | control))[0]
    worst = cell == WORST
    value = _values(outcome, cell.astype(np.float64), base, changes)
    as_seen = ~worst & (np.abs(value - seen) < outcome.step / 2)
    value = np.where(as_seen, seen, value)
    kind = np.select([worst, as_seen], [WORST_RANK, ""], _CARRIED.get(own.missing, DERIVED))
    subject = np.flatnonzero(analysed) + 1
    return DataFrame(
        {
            "subject": subject,
            "PARAMCD": source.tests.outcomes[name].code,
            "visit": visit,
            "DTYPE": kind[analysed].astype(object),
            "AVAL": value[analysed],
        }
    )


def _values(outcome: Outcome, cell: Floats, base: Floats, changes: bool) -> Floats:
    """Return the scores of cells, which are counted from 1 at the worst; 0 lies beyond it.

    Cells of a change are changes of the score by whole steps, which the baseline is added to.
    """
    grid, steps = outcome.grid, cell - 1
    if not changes:
        return grid.score_of(steps if outcome.sign > 0 else grid.steps - steps)
    change = (steps - grid.steps) * outcome.sign * grid.step
    return np.round(base + change, DECIMALS)

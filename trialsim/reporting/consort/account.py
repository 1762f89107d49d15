"""The CONSORT account: where every candidate and every patient of a trial went."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from pandas import DataFrame

from trialsim.analysis.analyse import Analysis
from trialsim.arrays import Booleans
from trialsim.datasets import BEGUN, CAP, PATIENT
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import spoken
from trialsim.simulated import SimulatedTrial

DISPOSITIONS: Final = {
    "allocated": "Allocated",
    "received_infusions": "Received infusions",
    "discontinued": "Discontinued infusions",
    "discontinued_for_drug": "  because of the drug",
    "rescued": "Began a rescue treatment",
    "switched": "Switched to another arm's drug",
    "withdrawn": "Withdrawn",
    "died": "Died",
    "lost": "Last visit missed",
    "completed": "Last visit attended",
    "ongoing": "Still in the trial",
    "analysed": "Analysed",
}
"""What is counted of each arm, and how it is called; some only where a study has it."""

_NUMBER_WIDTH: Final = 10


def consort(
    tables: Mapping[str, DataFrame], analysed: Mapping[str, int], replicate: int | None = None
) -> dict[str, Any]:
    """Return the account of one replicate, or of all in the tables together, for JSON.

    Candidates are excluded for the first reason, so `screened` is `randomised` and all reasons and
    `in_screening`; in each arm `allocated` is `withdrawn`, `died`, `lost`, `completed` and
    `ongoing`. Nobody is in screening or ongoing unless the tables were cut.

    Parameters
    ----------
    analysed
        Patients in the primary analysis, by arm; null for an arm that is not in it.
    """
    if replicate is not None:
        tables = {name: table[table["replicate"] == replicate] for name, table in tables.items()}
    screening = tables["screening"]
    reasons = {name: int(number) for name, number in _counts(screening, "reason").items()}
    outcomes = _counts(screening, "outcome")
    arms = _arms(tables)
    return {
        "replicates": int(screening["replicate"].nunique()),
        "screened": len(screening),
        "excluded": {"total": sum(reasons.values()), "reasons": reasons},
        "in_screening": outcomes["in screening"],
        "randomised": outcomes["randomised"],
        "arms": {arm: {**counts, "analysed": analysed.get(arm)} for arm, counts in arms.items()},
    }


def account_of(trial: SimulatedTrial, result: Analysis) -> dict[str, Any]:
    """Return the account of a trial and of its primary analysis."""
    plan, found = trial.scenario.analysis, result.primary
    return consort(trial.tables(), {plan.treated: found.treated, plan.control: found.control})


def consort_text(account: Mapping[str, Any], scenario: Scenario) -> str:
    """Return an account as text for a terminal; what is zero everywhere is left out.

    Criteria and arms are called by their labels in the scenario.
    """
    replicates = account["replicates"]
    named = {name: rule.label for name, rule in scenario.eligibility.exclusion.items()}
    named |= {
        name: f"Not met: {rule.label}" for name, rule in scenario.eligibility.inclusion.items()
    }
    named |= {f"{CAP}{name}": cap.in_words() for name, cap in scenario.design.caps.items()}
    excluded = account["excluded"]
    reasons = sorted(excluded["reasons"].items(), key=lambda reason: -reason[1])
    rows = [("Screened", [account["screened"]]), ("  Excluded", [excluded["total"]])]
    rows += [("    " + named.get(name, spoken(name)), [number]) for name, number in reasons]
    rows += [("  In screening", [account["in_screening"]])]
    rows += [("Randomised", [account["randomised"]])]
    arms = account["arms"]
    heads = [scenario.design.arms[arm].label for arm in arms]
    by_arm = [
        ("  " + label, [counts[name] for counts in arms.values()])
        for name, label in DISPOSITIONS.items()
        if all(name in counts for counts in arms.values())
    ]
    width = max(len(label) for label, _ in [*rows, *by_arm]) + 2
    widths = [max(len(head) + 2, _NUMBER_WIDTH) for head in heads]
    heading = "".join(f"{head:>{one}}" for head, one in zip(heads, widths, strict=True))
    lines = [f"{replicates} replicates together"] if replicates > 1 else []
    lines += [_line(label, width, numbers, [_NUMBER_WIDTH]) for label, numbers in rows]
    lines += [" " * width + heading]
    lines += [_line(label, width, numbers, widths) for label, numbers in by_arm]
    return "\n".join(line for line in lines if line)


def dispositions(tables: Mapping[str, DataFrame]) -> dict[str, Booleans]:
    """Return to which patients each thing befell, in the order of the table of subjects.

    Of `withdrawn`, `died`, `lost`, `completed` and `ongoing` each patient has exactly one.
    """
    subjects, disposition = tables["subjects"], tables["disposition"]
    visits = tables["visits"]
    last = visits[visits["visit"] == visits["visit"].cat.categories[-1]]
    came = last.loc[last["attended"], PATIENT].assign(came=True)
    came_last = disposition[PATIENT].merge(came, on=PATIENT, how="left")["came"].notna().to_numpy()
    status, stayed = disposition["status"], disposition["status"] == "completed"
    who = {
        "allocated": np.ones(len(subjects), np.bool_),
        "received_infusions": subjects["infusions_given"] > 0,
        "discontinued": disposition["treatment_discontinued"],
        **{name: disposition[name] for name in ("discontinued_for_drug",) if name in disposition},
        **{
            name: disposition[f"{name}_minute"].notna()
            for name in BEGUN.values()
            if f"{name}_minute" in disposition
        },
        "withdrawn": status == "withdrawn",
        "died": status == "died",
        "lost": stayed & ~came_last,
        "completed": stayed & came_last,
        "ongoing": status == "ongoing",
    }
    return {name: np.asarray(those, np.bool_) for name, those in who.items()}


def _arms(tables: Mapping[str, DataFrame]) -> dict[str, dict[str, int]]:
    """Return what became of the patients of each arm."""
    subjects = tables["subjects"]
    counted = {
        name: _counts(subjects[those], "arm") for name, those in dispositions(tables).items()
    }
    return {
        arm: {name: numbers[arm] for name, numbers in counted.items()}
        for arm in subjects["arm"].cat.categories
    }


def _counts(table: DataFrame, column: str) -> dict[str, int]:
    """Return how often each name of a column occurs, those that never do among them."""
    counts = table[column].value_counts(sort=False)
    return {name: int(counts.get(name, 0)) for name in table[column].cat.categories}


def _line(label: str, width: int, numbers: list[int | None], widths: list[int]) -> str:
    """Return a row of numbers, "" where all are zero; an unknown number is a dash."""
    if not any(number is None or number for number in numbers):
        return ""
    told = ["-" if number is None else f"{number:,}" for number in numbers]
    return f"{label:{width}}" + "".join(
        f"{number:>{one}}" for number, one in zip(told, widths, strict=True)
    )

"""A plan applied to a trial as it stood on a date, against its tables cut and analysed again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame
from scipy.special import ndtri
from scipy.stats import mannwhitneyu

from tests.trial.as_of import as_of, known_from
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.statistics import statistics_at
from trialsim.analysis.primary import analyse_primary
from trialsim.clock import DAY, NEVER
from trialsim.datasets import PATIENT, cut, tables
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

TROUBLE: Mapping[str, Any] = {
    "design.patients": 60,
    "design.visits.day_90.window_days": 10,
    "operations.withdrawal.probability": 0.2,
    "operations.death.probability": 0.1,
    "operations.visit_missed_probability": 0.15,
}
CROWDED: Mapping[str, Any] = {
    **TROUBLE,
    "operations.sites": {"east": {"activation_day": 0}, "west": {"activation_day": 9.3}},
    "operations.candidates_per_site_per_month": 30,
    "operations.infusion_chairs_per_site": 1,
}
PLANS: Mapping[str, Mapping[str, Any]] = {
    "carried forward, dead worst": {"missing": "locf", "death": "worst_rank"},
    "carried forward, dead missing": {"missing": "locf", "death": "as_missing"},
    "complete": {"missing": "complete_case", "death": "as_missing"},
    "missing worst": {"missing": "worst_rank", "death": "worst_rank"},
}


def study(changes: Mapping[str, Any], plan: Mapping[str, Any]) -> Scenario:
    """Return CARS-1 with much that goes wrong, and a plan."""
    return load("cars1").replace(
        {**changes, "analysis.analysis_set": "all_randomised"}
        | {f"analysis.{name}": value for name, value in plan.items()}
    )


def seen_patients(found: Mapping[str, DataFrame], scenario: Scenario, minute: int) -> DataFrame:
    """Return each patient's last scores and fate by pandas alone."""
    plan, visits = scenario.analysis, scenario.design.visits
    visit = visits[plan.visit]
    subjects = found["subjects"].merge(found["disposition"], on=[*PATIENT, "arm"])
    screening = found["screening"][["replicate", "screening_number", "onset_minute"]]
    subjects = subjects.merge(screening, on=["replicate", "screening_number"])
    gone = (subjects["randomised_minute"] - subjects["onset_minute"]) // DAY
    last = visit.day + visit.window_days - (gone if visit.after == "onset" else 0)
    subjects["closed"] = subjects["randomised_minute"] + last * DAY < minute
    subjects["dead"] = subjects["status"] == "died"
    scores = found["visits"].pivot(index=PATIENT, columns="visit", values=plan.endpoint)
    scores = scores.reindex(columns=list(visits)).astype(float)
    carried = scores.ffill(axis=1)[plan.visit]
    values = DataFrame({"seen": scores[plan.visit], "carried": carried})
    return subjects.set_index(PATIENT).join(values)


def known_values(frame: DataFrame, plan: AnalysisPlan) -> DataFrame:
    """Return each known patient's rank value; more is better, the dead are -1."""
    frame = frame[frame["seen"].notna() | frame["closed"] | frame["dead"]]
    frame = frame.assign(value=frame["carried" if plan.missing == "locf" else "seen"])
    if plan.death == "worst_rank":
        frame.loc[frame["dead"] & frame["seen"].isna(), "value"] = -1.0
    if plan.missing == "worst_rank":
        frame["value"] = frame["value"].fillna(-1.0)
    return frame.dropna(subset=["value"]).reset_index()


def compared_again(
    values: DataFrame, plan: AnalysisPlan, replicate: int
) -> tuple[int, int, float, float]:
    """Return patients of both arms, the Mann-Whitney effect, and z by SciPy; 0 if all are tied."""
    here = values[values["replicate"] == replicate]
    treated, control = (
        here.loc[here["arm"] == arm, "value"].to_numpy() for arm in (plan.treated, plan.control)
    )
    if not len(treated) or not len(control):
        return len(treated), len(control), np.nan, 0.0
    found = mannwhitneyu(treated, control, use_continuity=False, method="asymptotic")
    effect = float(found.statistic / len(treated) / len(control))
    z = float(-np.sign(effect - 0.5) * ndtri(found.pvalue / 2))
    return len(treated), len(control), effect, float(np.nan_to_num(z))


@pytest.mark.parametrize("changes", [TROUBLE, CROWDED], ids=["cars1", "crowded"])
def test_a_look_counts_as_the_cut_tables_do(changes: Mapping[str, Any]) -> None:
    """6 random minutes, each replicate's own, of 4 replicates in 8 ways: 192 looks.

    By the trial as it stood, and by the counts that looks are monitored by, which cut no trial.
    """
    trial = simulate_batch(study(changes, {}), Streams(41, range(4)))
    whole = tables(trial)
    ends = int(known_from(trial).max())
    minutes = np.random.default_rng(len(changes)).integers(90 * DAY, ends, (6, 4))
    seen = [
        [seen_patients(cut(whole, int(one)), trial.scenario, int(one)) for one in minute]
        for minute in minutes
    ]
    stood = [as_of(trial, minute) for minute in minutes]
    for rules in PLANS.values():
        planned = replace(trial, scenario=study(changes, rules))
        plan, partly = planned.scenario.analysis, 0
        looks = statistics_at(FinishedTrial(planned), 60, minutes.T)
        for look, one, patients in zip(looks, stood, seen, strict=True):
            found = analyse_primary(one, plan)
            for replicate in range(4):
                values = known_values(patients[replicate], plan)
                expected = compared_again(values, plan, replicate)
                analysed = sum(expected[:2])
                effect = pytest.approx(expected[2], abs=1e-12, nan_ok=True)
                assert (found.treated[replicate], found.control[replicate]) == expected[:2]
                assert found.estimate[replicate] == effect
                assert look.patients[replicate] == analysed
                assert look.z[replicate] == pytest.approx(expected[3], abs=1e-9)
                if analysed and look.information[replicate] > 0:
                    assert look.effect[replicate] == effect
                partly += 0 < analysed < 50
        assert partly > 6


def numbers_of(trial: Trial, plan: AnalysisPlan) -> list[bytes]:
    """Return the bits of all numbers of an analysis."""
    found = analyse_primary(trial, plan)
    return [field.tobytes() for field in found if isinstance(field, np.ndarray)]


@pytest.mark.parametrize(
    "plan",
    [
        *PLANS.values(),
        {"test": {"method": "brunner_munzel"}},
        {"test": {"method": "welch"}, "death": "as_missing"},
        {"missing": "multiple_imputation"},
        {"strata": "site"},
        {"analysis_set": "full_analysis_set", "minimum_infusion_share": 0.5},
    ],
    ids=str,
)
def test_a_look_after_the_end_is_the_final_analysis_to_the_bit(plan: Mapping[str, Any]) -> None:
    scenario = study(TROUBLE, {**plan})
    trial = simulate_batch(scenario, Streams(43, range(3)))
    for minute in (NEVER, int(known_from(trial).max())):
        look = as_of(trial, minute)
        assert numbers_of(look, scenario.analysis) == numbers_of(trial, scenario.analysis)


def test_before_anybody_is_known_nobody_is_analysed() -> None:
    scenario = study(TROUBLE, {})
    trial = simulate_batch(scenario, Streams(44, range(3)))
    found = analyse_primary(
        as_of(trial, known_from(trial)[:, :, -1].min(axis=1)), scenario.analysis
    )
    first = analyse_primary(
        as_of(trial, known_from(trial)[:, :, -1].min(axis=1) - 1), scenario.analysis
    )
    assert (found.treated + found.control >= 1).all()
    assert not (first.treated + first.control).any()
    assert np.isnan(first.estimate).all()
    assert not first.rejected.any()

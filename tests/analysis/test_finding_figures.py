"""Figures of findings are those that pandas computes from the trial's own tables."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.analyse import analyse
from trialsim.analysis.finding_figures import finding_figures
from trialsim.datasets import tables
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.findings import Finding
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

CARS1 = load("cars1").replace(
    {"operations.death.probability": 0.1, "operations.withdrawal.probability": 0.1}
)
SEVERE = {"label": "severe", "covariate": "nihss", "more_than": 9.0}


@pytest.fixture(scope="module")
def trial() -> Trial:
    return simulate_batch(CARS1, Streams(11, range(3, 6)))


@pytest.fixture(scope="module")
def patients(trial: Trial) -> pd.DataFrame:
    """Return a row for each randomised patient, with what is known of the end."""
    found = tables(trial)
    keys = ["replicate", "screening_number"]
    whole = found["subjects"].merge(found["screening"], on=keys, suffixes=("", "_screened"))
    return whole.merge(found["disposition"], on=["replicate", "subject"], suffixes=("", "_end"))


@pytest.fixture(scope="module")
def day_90(trial: Trial) -> pd.DataFrame:
    """Return a row for each patient: ARAT at baseline and day 90, measured and carried forward."""
    visits = tables(trial)["visits"]
    visits["arat"] = visits["arat"].astype(float)
    rows = []
    for (replicate, subject), one in visits.groupby(["replicate", "subject"]):
        scores = one["arat"].to_numpy()
        seen = one["attended"].to_numpy()[1:].any()
        dead = (one["status"] == "died").to_numpy()[-1]
        carried = scores[~np.isnan(scores)][-1] if seen and not dead else np.nan
        arm = one["arm"].iloc[0]
        rows.append((replicate, subject, arm, scores[0], scores[-1], carried))
    names = ["replicate", "subject", "arm", "baseline", "measured", "analysed"]
    return pd.DataFrame(rows, columns=names)


def figure(trial: Trial, **of: Any) -> list[float]:
    content = {"label": "A figure", "of": of, "value": 0.0}
    found = finding_figures(trial, {"one": Finding.model_validate(content)})["one"]
    assert found.shape == (3,)
    values: list[float] = found.tolist()
    return values


def test_figures_of_covariates(trial: Trial, patients: pd.DataFrame) -> None:
    active = patients[patients["arm"] == "cerebrolysin"].groupby("replicate")
    age = {"kind": "covariate", "covariate": "age_years", "arm": "cerebrolysin"}
    for name, expected in (
        ("mean", active["age_years"].mean()),
        ("sd", active["age_years"].std()),
        ("median", active["age_years"].median()),
    ):
        assert figure(trial, **age, figure=name) == pytest.approx(expected.tolist())
    old = active["age_years"].agg(lambda ages: ((ages >= 60) & (ages <= 70)).mean()).tolist()
    between = figure(trial, **age, figure="share", at_least=60.0, at_most=70.0)
    assert between == pytest.approx(old)
    men = patients.groupby("replicate")["sex"].agg(lambda sex: (sex == "male").mean()).tolist()
    share = figure(trial, kind="covariate", covariate="sex", figure="share", equals="male")
    assert share == pytest.approx(men)


def test_figures_of_a_subgroup_are_of_it_alone(trial: Trial, patients: pd.DataFrame) -> None:
    severe = patients[patients["nihss"] > 9].groupby("replicate")
    found = figure(trial, kind="covariate", covariate="age_years", figure="mean", subgroup=SEVERE)
    assert found == pytest.approx(severe["age_years"].mean().tolist())
    died = severe["status"].agg(lambda status: (status == "died").mean()).tolist()
    found = figure(trial, kind="patients", what="died", figure="share", subgroup=SEVERE)
    assert found == pytest.approx(died)
    assert max(died) > 0


@pytest.mark.parametrize(
    ("what", "happened"),
    [
        ("randomised", lambda one: one["subject"] > 0),
        ("withdrawn", lambda one: one["status"] == "withdrawn"),
        ("died", lambda one: one["status"] == "died"),
        ("discontinued", lambda one: one["treatment_discontinued"]),
        ("left", lambda one: (one["status"] != "completed") | one["treatment_discontinued"]),
    ],
)
def test_counts_of_patients(what: str, happened: Any, trial: Trial, patients: pd.DataFrame) -> None:
    placebo = patients[patients["arm"] == "placebo"]
    expected = happened(placebo).groupby(placebo["replicate"]).sum()
    found = figure(trial, kind="patients", what=what, arm="placebo", figure="count")
    assert found == expected.tolist()
    share = figure(trial, kind="patients", what=what, arm="placebo", figure="share")
    sizes = placebo.groupby("replicate").size()
    assert share == pytest.approx((expected / sizes).tolist())


def test_the_completed_are_those_seen_at_the_last_visit(trial: Trial, day_90: pd.DataFrame) -> None:
    expected = day_90.groupby("replicate")["measured"].count().tolist()
    assert figure(trial, kind="patients", what="completed", figure="count") == expected


@pytest.mark.parametrize("scores", ["measured", "analysed"])
def test_figures_of_scores(scores: str, trial: Trial, day_90: pd.DataFrame) -> None:
    placebo = day_90[day_90["arm"] == "placebo"]
    asked = {"kind": "outcome", "outcome": "arat", "visit": "day_90", "arm": "placebo"}
    by_replicate = placebo.groupby("replicate")[scores]
    for name, expected in (
        ("mean", by_replicate.mean()),
        ("sd", by_replicate.std()),
        ("median", by_replicate.median()),
    ):
        found = figure(trial, **asked, scores=scores, figure=name)
        assert found == pytest.approx(expected.tolist())
    high = by_replicate.agg(lambda one: (one.dropna() >= 50).mean()).tolist()
    found = figure(trial, **asked, scores=scores, figure="share", at_least=50.0)
    assert found == pytest.approx(high)
    change = (placebo[scores] - placebo["baseline"]).groupby(placebo["replicate"]).mean()
    found = figure(trial, **asked, scores=scores, measure="change", figure="mean")
    assert found == pytest.approx(change.tolist())


def test_figures_of_analyses_are_those_of_the_analysis_itself() -> None:
    one = simulate(CARS1, seed=11, replicate=4)
    batch, whole = one.batch, analyse(one)
    plans = {"primary": whole.primary, **whole.secondary}
    for name in ("primary", "global_status"):
        asked = {
            figure: Finding.model_validate(
                {
                    "label": "A figure",
                    "of": {"kind": "analysis", "analysis": name, "figure": figure},
                    "value": 0.0,
                }
            )
            for figure in ("estimate", "low", "high", "power")
        }
        found = finding_figures(batch, asked)
        told = plans[name]
        expected = [told.estimate, *told.ci, float(told.rejected)]
        assert [values.item() for values in found.values()] == expected


def test_the_mean_of_nobody_is_not_known(trial: Trial) -> None:
    nobody = {"label": "nobody", "covariate": "age_years", "more_than": 200.0}
    for name in ("mean", "sd", "median"):
        found = figure(trial, kind="covariate", covariate="age_years", figure=name, subgroup=nobody)
        assert np.isnan(found).all()
    assert figure(trial, kind="patients", what="died", figure="count", subgroup=nobody) == [0, 0, 0]

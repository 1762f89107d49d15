"""From ADEFF and ADSL alone, pandas and SciPy give back the printed estimate and p-value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas import DataFrame
from scipy import stats

import trialsim
from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.adam.efficacy import WORST_RANK, efficacy
from trialsim.reporting.cdisc.adam.subject_level import subject_level
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.files.analyses import analysed
from trialsim.reporting.cdisc.files.program import program
from trialsim.reporting.cdisc.files.xpt import write_xpt
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.simulated import simulate

STUDIES = (
    *("cars1", "cars1_estimands", "gharagozli2017", "rat_mtbi", "vad_cognition", "xiao1999"),
    *("dose_finding", "rat_dose_response"),
)
"""Ranks of scores, for an estimand, of changes, of times in three arms; Student's t; covariance;
covariance in four arms; Welch's t in five."""


def mann_whitney(treated: DataFrame, control: DataFrame, value: str) -> tuple[float, float]:
    """Return the share of pairs and the p-value, by SciPy, with midranks and no continuity."""
    samples = treated[value], control[value]
    found = stats.mannwhitneyu(*samples, use_continuity=False, method="asymptotic")
    return found.statistic / (len(treated) * len(control)), found.pvalue


def student(treated: DataFrame, control: DataFrame, value: str) -> tuple[float, float]:
    """Return the difference of means and its p-value, by SciPy."""
    found = stats.ttest_ind(treated[value], control[value])
    return treated[value].mean() - control[value].mean(), found.pvalue


def covariance(treated: DataFrame, control: DataFrame, value: str) -> tuple[float, float]:
    """Return the difference given the baseline and its p-value, by least squares of NumPy."""
    both = pd.concat([treated, control])
    arm = np.repeat([1.0, 0.0], [len(treated), len(control)])
    model = np.column_stack([np.ones(len(both)), arm, both["BASE"]])
    fitted, rest, *_ = np.linalg.lstsq(model, both[value].to_numpy(), rcond=None)
    freedom = len(both) - 3
    variance = rest[0] / freedom * np.linalg.inv(model.T @ model)[1, 1]
    return fitted[1], 2 * stats.t.sf(abs(fitted[1]) / np.sqrt(variance), freedom)


def welch(treated: DataFrame, control: DataFrame, value: str) -> tuple[float, float]:
    """Return the difference of means and its p-value with a variance for each arm, by SciPy."""
    found = stats.ttest_ind(treated[value], control[value], equal_var=False)
    return treated[value].mean() - control[value].mean(), found.pvalue


Computed = Callable[[DataFrame, DataFrame, str], tuple[float, float]]
METHODS: dict[str, Computed] = {
    "mann_whitney": mann_whitney,
    "t_test": student,
    "welch": welch,
    "ancova": covariance,
}


def flagged(
    rows: DataFrame, source: Source, plan: AnalysisPlan, flag: str
) -> tuple[DataFrame, DataFrame]:
    """Return the flagged records of the treated and of the controls at the visit of a plan."""
    arms = source.study.design.arms
    code = source.tests.outcomes[plan.endpoint].code
    visits = dict(zip(source.visits["visit"], source.visits["VISIT"], strict=True))
    chosen = rows[
        rows["PARAMCD"].eq(code) & rows["AVISIT"].eq(visits[plan.visit]) & rows[flag].eq("Y")
    ]
    assert not chosen["USUBJID"].duplicated().any()
    assert chosen["TRTP"].nunique() == 2, "the flag marks the arms that are compared, no other"
    treated, control = (
        chosen[chosen["TRTP"].eq(arms[name].label)] for name in (plan.treated, plan.control)
    )
    return treated, control


@pytest.mark.parametrize("name", STUDIES)
def test_adam_alone_gives_the_printed_estimate_and_p_value(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: SciPy, on what pandas reads from the XPT file; the programs in Define-XML agree."""
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    trial = simulate(name, seed=2016)
    source = Source(trial, calendar_from("2026-01-05"))
    write_xpt(efficacy(source), tmp_path / "adeff.xpt")
    monkeypatch.chdir(tmp_path)
    rows = pd.read_sas("adeff.xpt", format="xport", encoding="ascii")
    plan, printed = source.study.analysis, analysed(source, analyse(trial))
    assert [one.name for one in printed] == ["primary", *plan.further]
    for place, one in enumerate(printed, 1):
        if one.plan.test.method in METHODS and one.plan.missing != "multiple_imputation":
            expected = one.found.estimate, one.found.p_value
            found = _computed(rows, source, one.plan, f"ANL{place:02}FL")
            assert_allclose(found, expected, rtol=1e-9, err_msg=one.name)
            context, text = program(source, one)
            assert context == "Python, pandas and SciPy"
            assert_allclose(_run(text), expected, rtol=1e-9, err_msg=one.name)


def test_the_programs_of_other_analyses_run_the_study_that_lies_beside_the_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: the numbers that were printed."""
    trial = simulate("cars1_estimands", seed=5, replicate=3)
    source = Source(trial, calendar_from("2026-01-05"))
    printed = {one.name: one for one in analysed(source, analyse(trial))}
    (tmp_path / "adam").mkdir()
    (tmp_path / "scenario.yaml").write_text(to_yaml(trial.scenario))
    monkeypatch.chdir(tmp_path / "adam")
    mixed = printed["mixed_model"]
    context, text = program(source, mixed)
    assert context == f"Python, trialsim {trialsim.__version__}"
    assert _run(text) == (mixed.found.estimate, mixed.found.p_value)


MARGIN = {
    "claim": "non_inferiority",
    "margin": 0.45,
    "interval": "delong",
    "alternative": "greater",
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("dose_finding", {"test": "mann_whitney"}),
        ("dose_finding", {"test": "ancova", "alternative": "less"}),
        ("cars1", {"continuity_correction": True, "alternative": "less", "effect": "win_odds"}),
        ("cars1", MARGIN),
        ("dose_finding", {"test": {"method": "ancova", "slopes": "by_arm"}}),
    ],
    ids=["changes of tenths", "one-sided", "win odds", "margin", "slopes by arm"],
)
def test_programs_follow_the_choices_of_a_plan(
    name: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: the printed numbers; what SciPy does not do, trialsim does."""
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    study = load(name).replace({f"analysis.{field}": one for field, one in changes.items()})
    trial = simulate(study, seed=5)
    source = Source(trial, calendar_from("2026-01-05"))
    write_xpt(efficacy(source), tmp_path / "adeff.xpt")
    primary = analysed(source, analyse(trial))[0]
    context, text = program(source, primary)
    if "claim" in changes or isinstance(changes.get("test"), dict):
        assert context.startswith("Python, trialsim")
        return
    monkeypatch.chdir(tmp_path)
    assert_allclose(_run(text), (primary.found.estimate, primary.found.p_value), rtol=1e-9)


def _run(text: str) -> tuple[float, float]:
    """Return the estimate and the p-value that a program of Define-XML ends with."""
    named: dict[str, float] = {}
    exec(compile(text, "program", "exec"), named)
    return named["estimate"], named["p_value"]


def test_the_strata_of_the_randomisation_give_the_stratified_test() -> None:
    """Oracle: van Elteren's test by SciPy's ranks within STRATAR of ADSL, and the covariates."""
    factors = {"sex": {"covariate": "sex"}, "severity": {"covariate": "nihss", "cuts": [9]}}
    changes = {
        **{"design.patients": 60, "design.stratify_by": "nothing", "design.strata": factors},
        **{"analysis.strata": "design", "analysis.secondary": {}},
    }
    trial = simulate(load("cars1").replace(changes), seed=3)
    source = Source(trial, calendar_from("2026-01-05"))
    subjects, rows = subject_level(source).frame, efficacy(source).frame
    (one,) = analysed(source, analyse(trial))
    assert one.variables["ADSL"] == ("STRATAR",)
    severe = np.where(subjects["NIHSS"] < 9, "below 9", "9 and above")
    sex = subjects["SEX"].map({"F": "female", "M": "male"})
    assert_array_equal(subjects["STRATAR"], sex + "; " + severe)
    chosen = rows[
        rows["PARAMCD"].eq("ARAT") & rows["AVISIT"].eq("DAY 90") & rows["ANL01FL"].eq("Y")
    ]
    above, shares, weights, variance = 0.0, 0.0, 0.0, 0.0
    for _, mine in chosen.merge(subjects[["USUBJID", "STRATAR"]], on="USUBJID").groupby("STRATAR"):
        treated, ranks = mine["TRTPN"].eq(1).to_numpy(), stats.rankdata(mine["AVAL"])
        total, first = len(mine), treated.sum()
        pairs, weight = first * (total - first), 1 / (total + 1)
        better = ranks[treated].sum() - first * (first + 1) / 2
        above += weight * (better - pairs / 2)
        shares, weights = shares + weight * better, weights + weight * pairs
        variance += weight**2 * pairs / total * np.var(ranks, ddof=1)
    found = shares / weights, 2 * stats.norm.sf(abs(above) / np.sqrt(variance))
    assert_allclose(found, (one.found.estimate, one.found.p_value), rtol=1e-9)


def test_the_flag_of_a_mixed_model_marks_every_visit_after_baseline() -> None:
    trial = simulate("cars1_estimands", seed=7)
    source = Source(trial, calendar_from("2026-01-05"))
    rows = efficacy(source).frame
    names = list(source.study.analysis.further)
    flag, found = names.index("mixed_model") + 2, analyse(trial).secondary["mixed_model"]
    rows = rows[rows[f"ANL{flag:02}FL"].eq("Y")]
    assert set(rows["AVISIT"]) == set(source.visits["VISIT"]) - {"SCREENING", "BASELINE"}
    assert set(rows["DTYPE"]) == {""}
    sizes = rows.groupby("TRTPN")["USUBJID"].nunique()
    assert sizes.to_dict() == {1: found.treated, 2: found.control}


def _computed(
    rows: DataFrame, source: Source, plan: AnalysisPlan, flag: str
) -> tuple[float, float]:
    outcome = source.study.outcomes[plan.endpoint]
    treated, control = flagged(rows, source, plan, flag)
    value = "AVAL" if plan.measure == "score" else "CHG"
    signed = [one.assign(**{value: outcome.sign * one[value]}) for one in (treated, control)]
    if plan.test.method == "ancova":
        signed = [one.assign(BASE=outcome.sign * one["BASE"]) for one in signed]
    return METHODS[plan.test.method](signed[0], signed[1], value)


def test_who_is_ranked_below_all_is_tied_and_beyond_the_worst_end(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    rows = datasets["ADEFF"].frame
    worst = rows[rows["DTYPE"].eq(WORST_RANK)]
    assert len(worst) > 12
    for name, outcome in source.study.outcomes.items():
        mine = worst[worst["PARAMCD"].eq(source.tests.outcomes[name].code)]
        end = outcome.low - outcome.step if outcome.sign > 0 else outcome.high + outcome.step
        assert set(mine["AVAL"]) == {round(end, 9)}, name


def test_a_carried_value_is_the_last_observed_one(datasets: dict[str, Dataset]) -> None:
    """Oracle: pandas, filling forward within each subject and parameter."""
    rows = datasets["ADEFF"].frame
    rows = rows[rows["DTYPE"].ne(WORST_RANK)]
    carried = rows["DTYPE"].eq("LOCF")
    assert carried.sum() > 50
    seen = rows["AVAL"].where(~carried)
    filled = seen.groupby([rows["USUBJID"], rows["PARAMCD"]]).ffill()
    assert (filled[carried] == rows["AVAL"][carried]).all()
    assert rows["ADT"][carried].isna().all()


def test_changes_are_from_the_baseline_record(datasets: dict[str, Dataset]) -> None:
    rows = datasets["ADEFF"].frame
    first = rows[rows["ABLFL"].eq("Y")].set_index(["USUBJID", "PARAMCD"])["AVAL"]
    place = pd.MultiIndex.from_frame(rows[["USUBJID", "PARAMCD"]])
    base = first.reindex(place).to_numpy()
    np.testing.assert_array_equal(rows["BASE"], base)
    np.testing.assert_array_equal(rows["CHG"], (rows["AVAL"] - base).round(9))


def test_two_analyses_that_derive_one_score_differently_have_a_record_each() -> None:
    """Oracle: the estimands of a study whose analyses treat intercurrent events differently."""
    study = load("cars1_estimands")
    source = Source(simulate(study, seed=3), calendar_from("2026-01-05"))
    one = efficacy(source)
    assert not one.frame.duplicated(list(one.keys)).any()
    place = ["USUBJID", "PARAMCD", "AVISITN"]
    assert one.frame.duplicated([*place, "DTYPE"]).any()
    flags = [str(name) for name in one.frame if str(name).startswith("ANL")]
    assert len(flags) == 1 + len(study.analysis.further)
    for flag in flags:
        assert not one.frame[one.frame[flag].eq("Y")].duplicated(place).any(), flag

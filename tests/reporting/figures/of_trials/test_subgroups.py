"""The forest plot of subgroups has the rows of their analyses, and the p-value of each test."""

import math

import pytest

import trialsim as ts
from tests.reporting.figures.conftest import by_severity
from trialsim.errors import InputError
from trialsim.reporting.figures.catalogue import data, plot
from trialsim.reporting.figures.of_trials.subgroups import has_subgroups
from trialsim.reporting.pages.trial import trial_page
from trialsim.reporting.text.analysis import analysis_text


def test_rows_are_everybody_subgroups_alone_and_the_groups_of_each_interaction(
    study: ts.Scenario,
) -> None:
    trial = ts.simulate(by_severity(study), 2016)
    result = ts.analyse(trial)
    rows = data(result, "subgroups").to_dict("records")
    assert [row["subgroup"] for row in rows] == [
        *("All patients", "Women", "NIHSS above 9", "All others")
    ]
    assert [row["interaction"] for row in rows] == [0, 0, 1, 1]
    everybody, women, severe, others = rows
    assert everybody["estimate"] == result.estimate
    assert (women["low"], women["high"]) == result.secondary["women"].ci
    test = result.secondary["by_severity"]
    assert severe["estimate"] - others["estimate"] == pytest.approx(test.estimate)
    assert severe["p_value"] == others["p_value"] == test.p_value
    assert math.isnan(women["p_value"])
    assert severe["treated"] + others["treated"] == everybody["treated"]
    assert f"p {test.p_value:.3f}" in plot(result, "subgroups").svg()
    page, text = trial_page(trial, "trialsim"), analysis_text(result, trial.scenario)
    assert "Mann-Whitney effect by subgroup" in page
    assert f"  NIHSS above 9: Mann-Whitney effect {severe['estimate']:.4f} (" in text
    plain = result.to_dict()["secondary"]
    assert [one["group"] for one in plain["by_severity"]["groups"]] == [
        "NIHSS above 9",
        "All others",
    ]
    assert plain["women"]["subgroup"] == "Women"


def test_without_subgroups_there_is_nothing_to_draw(trial: ts.SimulatedTrial) -> None:
    result = ts.analyse(trial)
    assert not has_subgroups(result)
    with pytest.raises(InputError, match=r"must have an analysis of a subgroup"):
        data(result, "subgroups")

"""The forest plot of subgroups has the rows of their analyses, and the p-value of each test."""

import math

import numpy as np
import pytest

import trialsim as ts
from tests.reporting.figures.conftest import by_severity
from trialsim.errors import InputError
from trialsim.reporting.figures.canvas.trials import simulated_trials
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


def test_over_trials_rows_are_means_with_errors_and_what_each_test_rejects(
    study: ts.Scenario,
) -> None:
    """Oracle: the analyses of the same trials one by one."""
    design, count = by_severity(study), 12
    rows = data(simulated_trials(design, 2016, range(count)), "subgroups").to_dict("records")
    each = [ts.analyse(ts.simulate(design, 2016, replicate=one)) for one in range(count)]
    tests = [one.secondary["by_severity"] for one in each]
    estimates = {
        "All patients": [one.estimate for one in each],
        "Women": [one.secondary["women"].estimate for one in each],
        "NIHSS above 9": [one.groups[0].estimate for one in tests],
        "All others": [one.groups[1].estimate for one in tests],
    }
    assert {row["subgroup"] for row in rows} == set(estimates)
    for row in rows:
        found = np.array(estimates[row["subgroup"]])
        assert row["trials"] == np.isfinite(found).sum()
        assert row["mean"] == pytest.approx(np.nanmean(found))
        assert row["mcse"] == pytest.approx(np.nanstd(found, ddof=1) / row["trials"] ** 0.5)
        middle = (row["low_of_trials"], row["high_of_trials"])
        assert middle == pytest.approx(np.nanquantile(found, [0.025, 0.975]))
    of_test = [row["rejecting"] for row in rows if row["interaction"] == 1]
    assert of_test == [np.mean([one.rejected for one in tests])] * 2
    whole = next(row for row in rows if row["subgroup"] == "All patients")
    assert whole["rejecting"] == np.mean([one.primary.rejected for one in each])

"""Bars of an ordinal scale show each grade that occurs, death as its worst one among them."""

from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from trialsim.reporting.figures.canvas.trials import Trials, simulated_trials
from trialsim.reporting.figures.of_trials.distribution import distribution_data, distribution_figure
from trialsim.reporting.figures.of_trials.mean_scores import mean_scores_data, mean_scores_figure
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.scenario import validated


@cache
def bars(death: float | None = None) -> Axes:
    """Return the axes of the bars of a trial."""
    content = parsed_value(new_study("bolus", "two_arm_ordinal"))
    if death is not None:
        content["operations"]["death"] = {"probability": death}
    content["design"]["patients"] = 300
    course = content["outcomes"]["mrs"]["course"]
    course["end"] = [0, 0.3, 0.13, 0.16, 0.21, 0.12, 0.08]  # nobody without a symptom
    (axes,) = distribution_figure(simulated_trials(validated(content), 2016, range(1))).axes
    return axes


def test_the_worst_grade_is_shown_and_a_grade_that_nobody_has_is_not_in_the_legend() -> None:
    legend = bars().get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["1", "2", "3", "4", "5", "6"]


def test_the_best_grade_is_the_lightest_whichever_end_is_better() -> None:
    legend = bars().get_legend()
    assert legend is not None
    light = [sum(to_rgb(patch.get_facecolor())) for patch in legend.get_patches()]
    assert light == sorted(light, reverse=True)


def test_the_dead_stand_at_the_worse_end_of_each_bar() -> None:
    """Oracle: the visits' own table, of whose patients with a score or dead the bars are."""
    axes = bars(death=0.3)
    assert axes.get_xlabel() == "patients seen at the visit or dead (%)"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][-1] == "dead"
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert max(ends) == pytest.approx(1)
    assert bars().get_xlabel() == "patients seen at the visit (%)"


@pytest.fixture(scope="module")
def trials() -> Trials:
    """Return a trial of which many patients die, with a scale whose higher end is better."""
    study = load("cars1").replace({"operations.death.probability": 0.3})
    return simulated_trials(study, 2016, range(1))


def test_the_dead_of_a_scale_whose_higher_end_is_better_stand_first(trials: Trials) -> None:
    (axes,) = distribution_figure(trials).axes
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_texts()[0].get_text() == "dead"
    table, visits = distribution_data(trials), trials.tables["visits"]
    last = visits[(visits["visit"] == "day_90") & (visits["arm"] == "placebo")]
    dead = table[(table["visit"] == "day_90") & (table["arm"] == "placebo") & table["low"].isna()]
    died = int((last["status"] == "died").sum())
    assert dead["patients"].tolist() == [died]
    assert died > 10
    assert dead["share"].item() == pytest.approx(died / (died + last["arat"].notna().sum()))


def test_means_say_how_many_they_leave_out_as_dead(trials: Trials) -> None:
    visits, table = trials.tables["visits"], mean_scores_data(trials)
    for row in table.to_dict("records"):
        there = (visits["visit"] == row["visit"]) & (visits["arm"] == row["arm"])
        assert row["dead"] == (visits.loc[there, "status"] == "died").sum()
    last = table[table["visit"] == "day_90"].set_index("arm")["dead"]
    text = "".join(one.get_text() for one in mean_scores_figure(trials).texts).replace("\n", " ")
    assert f"in no mean: {last['cerebrolysin']} (cerebrolysin), {last['placebo']} (placebo)" in text


def test_lines_join_the_ends_of_each_group_in_the_bars_of_one_visit_alone() -> None:
    axes = bars()
    legend = axes.get_legend()
    assert legend is not None
    names = [label.get_text() for label in axes.get_yticklabels()]
    visits = {name.partition(",")[0] for name in names}
    groups = len(legend.get_texts())
    assert len(axes.lines) == len(visits) * (groups - 1)
    middles = axes.get_yticks().tolist()
    for line in axes.lines:
        low, high = sorted(np.asarray(line.get_ydata()).tolist())
        nearest = [min(middles, key=lambda middle: abs(middle - end)) for end in (low, high)]
        assert nearest[1] - nearest[0] == pytest.approx(1), "two bars of a visit stand 1 apart"

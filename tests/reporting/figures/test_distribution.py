"""Bars of an ordinal scale show each grade that occurs, death as its worst one among them."""

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from trialsim.reporting.figures.canvas.trials import simulated_trials
from trialsim.reporting.figures.of_trials.distribution import distribution_figure
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.scenario import validated


def bars(**operations: object) -> Axes:
    """Return the axes of the bars of a trial."""
    content = parsed_value(new_study("bolus", "two_arm_ordinal"))
    content["operations"] |= operations
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


def test_where_patients_die_beside_the_scale_the_bars_are_of_those_alive() -> None:
    assert bars(death={"probability": 0.2}).get_xlabel() == "patients seen alive at the visit (%)"
    assert bars().get_xlabel() == "patients seen at the visit (%)"

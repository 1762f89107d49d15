"""What XPT version 5 cannot hold is told, all of it at once, and nothing is cut short."""

import pytest
from pandas import DataFrame

from trialsim.errors import InputError
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.metadata import Dataset, Variable, problems_of
from trialsim.reporting.cdisc.package import datasets_of
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate


def test_every_limit_of_the_format_is_told() -> None:
    long, text = "X" * 9, "y" * 201
    variables = (Variable(long, "l" * 41), Variable("B", "b"))
    frame = DataFrame({long: ["fine"], "B": [text]})
    one = Dataset("AA", "t" * 40, "EVENTS", "", ("B",), variables, frame)
    told = [str(problem) for problem in problems_of(one)]
    assert len(told) == 4
    for limit in (
        "40 characters (got SIMULATED",
        "at most 8",
        "40 characters (got l",
        "at most 200",
    ):
        assert any(limit in line for line in told), limit


def test_a_text_beyond_ascii_is_refused_where_it_stands_and_not_changed() -> None:
    study = load("stroke_nihss").replace(
        {"design.arms.placebo.label": "Kochsalzlösung", "design.patients": 12}
    )
    with pytest.raises(InputError) as refused:
        datasets_of(Source(simulate(study, seed=1), calendar_from("2026-01-05")))
    places = {problem.path for problem in refused.value.problems}
    assert {"DM.ARM", "TA.ARM", "EX.EXTRT", "ADSL.TRT01P"} <= places
    assert "must be ASCII, as XPT version 5 holds nothing else (got Kochsalzlösung)" in str(
        refused.value
    )

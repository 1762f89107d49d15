"""Estimands and missingness as text: every number of the result, and what has no value."""

from functools import cache

import trialsim as ts
from trialsim.questions.estimands.missingness import Missingness
from trialsim.questions.estimands.result import Estimands
from trialsim.reporting.tables.estimands_tables import estimands_tables
from trialsim.reporting.text.estimands import estimands_text, missingness_text
from trialsim.scenario.programme import single_trial

RESPONDERS = {"method": "responders", "threshold": 40}
KEPT = ("failure", "mixed_model")
BUILT_IN = single_trial(ts.load("cars1_estimands"))
FAST = BUILT_IN.replace(
    {f"analysis.secondary.{one}": None for one in BUILT_IN.analysis.secondary if one not in KEPT}
)


@cache
def result() -> Estimands:
    return ts.estimands(FAST, 16, 15, n_jobs=1)


@cache
def more() -> Missingness:
    stops = {"operations.discontinuation.probability": [0.4]}
    return ts.missingness(FAST, stops, "composite", 16, 15, n_jobs=1)


def test_each_true_value_bias_and_share_stands_in_the_text() -> None:
    text = estimands_text("A study", result())
    values = [one.value for one in result().truths]
    numbers = [found for one in result().matrix for found in (one.truth, one.bias, one.rmse)]
    for found in [*values, *numbers, *result().individual.values()]:
        if found.estimate == found.estimate:
            assert f"{found.estimate:.4f}" in text
    for event in result().events:
        assert f"{event.treated.estimate:.4f}" in text


def test_it_says_what_is_beyond_any_trial_what_is_meant_and_that_all_is_simulated() -> None:
    text = estimands_text("A study", result())
    assert "beyond any trial" in text
    assert "All cohorts are simulated" in text
    assert "would have no discontinuation in either arm" in text.replace("\n    ", " ")
    assert max(map(len, text.splitlines())) <= 120


def test_a_mean_beside_a_composite_has_a_dash_and_its_own_estimand_a_star() -> None:
    lines = estimands_text("A study", result()).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("Mixed model"))
    assert " - " in lines[start]
    own = next(line for line in lines[start:] if "undisturbed" in line)
    assert "*" in own
    assert " - " not in own


def test_an_analysis_that_cannot_be_for_its_estimand_is_marked_and_told_why() -> None:
    wrong = {"failure": {"estimand": "composite"}, "shares": {"test": RESPONDERS}}
    found = ts.estimands(FAST.replace({"analysis.secondary": wrong}), 2, 15, n_jobs=1)
    text = estimands_text("A study", found)
    (marked,) = (line for line in text.splitlines() if "!  " in line[:48])
    assert marked.split()[:2] == ["composite", "!"]
    plain = " ".join(text.split())
    assert plain.count("WARNING") == 1
    assert (
        "WARNING: failure cannot be for the estimand composite, which has the composite strategy "
        "for discontinuation: scores after discontinuation count as they are (treatment policy)."
    ) in plain
    assert "risk difference, 40 or better" in text
    because = {one["name"]: one["because"] for one in found.to_dict()["analyses"]}
    assert (because["primary"], len(because["failure"])) == ([], 1)
    tables = {one.name: one for one in estimands_tables(found)}
    assert [row.cells[0].text for row in tables["doubts"].rows] == ["Failure"]
    fits = {row.cells[2].text for row in tables["matrix"].rows}
    assert fits == {"yes", "named, but it cannot be", "it could be", "no"}


def test_what_is_left_out_is_named_with_the_reason() -> None:
    over = {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_42", "day_90"]}
    both = {"method": "wei_lachin", "outcomes": ["arat", "nihss"]}
    secondary = {"global_status": {"test": both}, "over_visits": {"test": over}}
    study = ts.load("cars1").replace({"analysis.secondary": secondary})
    found = ts.estimands(study, 4, 15, n_jobs=1)
    assert found.left_out == {"global_status": "several outcomes"}
    text = " ".join(estimands_text("A study", found).split())
    assert "no true value here: global status (several outcomes)." in text
    (left,) = found.to_dict()["left_out"]
    assert left["name"] == "global_status"
    assert "Arm Test and National Institutes of Health Stroke Scale score" in str(left)
    over = next(one for one in found.to_dict()["analyses"] if one["name"] == "over_visits")
    assert "score at day 42 and day 90" in str(over["attributes"])
    assert "score at day 42 and day 90; below every score after death" in text


def test_every_variant_has_its_share_and_its_biases() -> None:
    text = missingness_text("A study", more())
    assert "Bias beside the estimand composite." in text
    assert "* the estimand that the analysis is for" in text
    for place, share in enumerate(more().affected):
        assert f"affected {share.estimate:.4f}" in text
        for one in more().beside(place):
            assert one.estimand == "composite"
            if one.bias.estimate == one.bias.estimate:
                assert f"{one.bias.estimate:.4f}" in text

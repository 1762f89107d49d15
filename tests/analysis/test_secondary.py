"""Secondary analyses stand beside the primary one, and behind it where p-values are adjusted."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.multitest import multipletests

from trialsim.analysis.analyse import analyse
from trialsim.simulated import SimulatedTrial
from trialsim.stats.multiplicity.graphs import Graph, adjust_by_graph, sequence

Planned: TypeAlias = Callable[..., SimulatedTrial]

FURTHER: dict[str, dict[str, Any]] = {
    "means": {"test": "welch", "death": "as_missing"},
    "responders": {"test": {"method": "responders", "threshold": 40}},
    "other_scale": {"endpoint": "disability"},
    "within_sites": {"strata": "site"},
}


def test_a_secondary_analysis_is_the_primary_one_of_the_plan_that_it_describes(
    planned: Planned,
) -> None:
    found = analyse(planned(secondary=FURTHER)).secondary
    for name, changes in FURTHER.items():
        assert str(found[name]) == str(analyse(planned(**changes)).primary)


def test_the_other_visits_are_analysed_beside_the_planned_analyses(planned: Planned) -> None:
    found = analyse(planned(secondary=FURTHER))
    assert list(found.secondary) == [*FURTHER, "day_7", "day_14", "day_21", "day_42"]
    assert found.to_frame()["analysis"].tolist() == ["primary", *found.secondary]
    assert set(found.to_dict()["secondary"]) == set(found.secondary)


@pytest.mark.parametrize("procedure", ["bonferroni", "holm", "hochberg", "hommel"])
def test_a_family_is_adjusted_as_by_statsmodels_and_behind_the_primary_analysis(
    procedure: str, planned: Planned
) -> None:
    known = {"hochberg": "simes-hochberg"}.get(procedure, procedure)
    found = analyse(planned(secondary=FURTHER, multiplicity=procedure))
    family = [found.secondary[name] for name in FURTHER]
    oracle = multipletests([one.p_value for one in family], method=known)[1]
    behind = np.maximum(oracle, found.p_value)
    assert_allclose([one.adjusted_p_value for one in family], behind, rtol=1e-12)
    assert [one.rejected for one in family] == (behind <= 0.05).tolist()


def test_a_fixed_sequence_stops_at_the_first_analysis_that_does_not_reject(
    planned: Planned,
) -> None:
    found = analyse(planned(secondary=FURTHER, multiplicity="fixed_sequence"))
    largest = found.p_value
    for name in FURTHER:
        largest = max(largest, found.secondary[name].p_value)
        assert found.secondary[name].adjusted_p_value == largest


def test_multiplicity_leaves_the_primary_analysis_and_the_other_visits_as_they_are(
    planned: Planned,
) -> None:
    plain, family = (
        analyse(planned(secondary=FURTHER, multiplicity=procedure))
        for procedure in ("none", "bonferroni")
    )
    assert plain.primary == family.primary
    for name in ("day_7", "day_14", "day_21", "day_42"):
        assert plain.secondary[name] == family.secondary[name]
        assert plain.secondary[name].adjusted_p_value == plain.secondary[name].p_value


def test_the_conventions_tell_of_the_family(planned: Planned) -> None:
    told = analyse(planned(secondary=FURTHER, multiplicity="holm")).conventions
    lines = told["secondary"].splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == [n.replace("_", " ") for n in FURTHER]
    assert "Holm" in told["multiplicity"]


GRAPH = {
    "procedure": "graph",
    "weights": {"primary": 0.5, "responders": 0.5},
    "transitions": {"primary": {"means": 1}, "responders": {"primary": 0.5, "other_scale": 0.5}},
}


def test_a_graph_adjusts_the_analyses_that_it_names_the_primary_one_among_them(
    planned: Planned,
) -> None:
    """Oracle: the formula of the graph, from the p-values as they are."""
    found = analyse(planned(secondary=FURTHER, multiplicity=GRAPH))
    names = ["primary", "responders", "means", "other_scale"]
    each = {"primary": found.primary, **found.secondary}
    rows = (
        *((0.0, 0.0, 1.0, 0.0), (0.5, 0.0, 0.0, 0.5)),
        *((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)),
    )
    p_values = np.array([each[name].p_value for name in names])
    expected = adjust_by_graph(p_values, Graph((0.5, 0.5, 0.0, 0.0), rows))
    assert_allclose([each[name].adjusted_p_value for name in names], expected, rtol=1e-12)
    assert found.primary.adjusted_p_value > found.primary.p_value
    assert found.primary.rejected == (found.primary.adjusted_p_value <= 0.05)
    beside = found.secondary["within_sites"]
    assert beside.adjusted_p_value == beside.p_value
    assert found.secondary["day_7"].adjusted_p_value == found.secondary["day_7"].p_value


def in_family(procedure: str, *analyses: str) -> dict[str, Any]:
    family = {"analyses": list(analyses), "procedure": procedure}
    return {"procedure": "families", "families": {"all": family}}


def test_a_word_is_a_short_form_of_families(planned: Planned) -> None:
    words = analyse(planned(secondary=FURTHER, multiplicity="hommel"))
    families = {
        "first": {"analyses": ["primary"], "procedure": "fixed_sequence"},
        "then": {"analyses": list(FURTHER), "procedure": "hommel"},
    }
    long = {"procedure": "families", "families": families}
    found = analyse(planned(secondary=FURTHER, multiplicity=long))
    assert str(found.primary) == str(words.primary)
    assert str(found.secondary) == str(words.secondary)


def test_fallback_has_equal_shares_unless_others_are_given(planned: Planned) -> None:
    names = ("primary", "means", "responders")
    equal = analyse(planned(secondary=FURTHER, multiplicity=in_family("fallback", *names)))
    p_values = [equal.primary.p_value, *(equal.secondary[name].p_value for name in names[1:])]
    expected = adjust_by_graph(np.array(p_values), sequence([1 / 3] * 3))
    assert equal.primary.adjusted_p_value == pytest.approx(expected[0])
    weighted = in_family("fallback", *names)
    weighted["families"]["all"]["weights"] = {"primary": 1, "means": 0, "responders": 0}
    first = analyse(planned(secondary=FURTHER, multiplicity=weighted))
    assert first.primary.adjusted_p_value == first.primary.p_value

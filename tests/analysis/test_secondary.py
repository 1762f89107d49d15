"""Secondary analyses stand beside the primary one, and behind it where p-values are adjusted."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.stats.multitest import multipletests

from trialsim.analysis.analyse import analyse
from trialsim.simulated import SimulatedTrial

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

"""The tables of a study say in which order C adds up, as cells hide a sum's last bit."""

from ctypes import POINTER, c_double, c_int64, cast
from typing import Any

from trialsim.analysis.whole.covered import outcomes_made
from trialsim.analysis.whole.tables import tables_of
from trialsim.compiled import whole
from trialsim.scenario.files.yaml_file import load
from trialsim.trial.patient_scores import weights_of_outcomes


def values_at(address: int, of: type[Any], count: int) -> list[Any]:
    return cast(address, POINTER(of))[:count]


def test_scores_are_summed_in_the_order_of_numpy_an_outcomes_own_first() -> None:
    twelve = load("cars1").with_analysis("global_status")
    study, names = tables_of(twelve).study, list(twelve.outcomes)
    outcomes = values_at(study.outcome, whole.Outcome, study.outcomes)
    assert outcomes_made(twelve) == tuple(names)
    for name, outcome in zip(names, outcomes, strict=True):
        sources = values_at(outcome.mixed.source, c_int64, outcome.mixed.count)
        weights = values_at(outcome.mixed.weight, c_double, outcome.mixed.count)
        others = dict(weights_of_outcomes(twelve)[name])
        expected = {name: others.pop(name), **others}
        assert [names[source] for source in sources] == list(expected)
        assert weights == list(expected.values())


def test_what_outcomes_share_is_in_the_tables_once() -> None:
    study = tables_of(load("cars1").with_analysis("global_status")).study
    assert (study.outcomes, study.measurements, study.scores) == (12, 12, 12)
    assert (study.progresses, study.exposures, study.prognoses) == (1, 1, 3)


def test_a_bound_is_the_cells_that_bind_and_those_that_are_left() -> None:
    """Who places no peg, with 9 points or fewer, takes 180 seconds: 170 above the least of 10."""
    study = tables_of(load("cars1").replace({"analysis.endpoint": "nine_hole_peg"})).study
    _, pegs = values_at(study.outcome, whole.Outcome, study.outcomes)
    (bound,) = values_at(pegs.bound, whole.Bound, pegs.bounds)
    found = bound.outcome, bound.first, bound.last, bound.least, bound.most
    assert found == (0, 0, 9, 170, 170)

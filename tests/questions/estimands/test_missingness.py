"""The bias of analyses as more is missing: which estimand, which trials, and known directions."""

from functools import cache

import pytest

import trialsim as ts
from trialsim.errors import InputError
from trialsim.questions.estimands.missingness import Missingness
from trialsim.scenario.programme import single_trial

CARS1 = single_trial(ts.load("cars1")).replace({"analysis.secondary": {}})
PATH = "operations.discontinuation.probability"
STOPPED = {PATH: [0.3, 0.6]}


@cache
def found(estimand: str | None = "hypothetical") -> Missingness:
    return ts.missingness(CARS1, STOPPED, estimand, 64, 15, n_jobs=1)


def test_more_who_stop_are_more_affected_and_farther_from_the_hypothetical_effect() -> None:
    """A treatment-policy analysis loses what the infusions that were not given would have done."""
    shares = [one.estimate for one in found().affected]
    biases = [found().beside(place)[0].bias for place in range(3)]
    assert shares == sorted(shares)
    assert biases[1].estimate - biases[2].estimate > 4 * biases[2].mcse


def test_each_variant_is_the_study_with_its_change_on_the_same_trials() -> None:
    alone = ts.estimands(CARS1.replace({PATH: 0.6}), 64, 15, n_jobs=1)
    whole = {**alone.to_dict(), "seconds": 0}
    assert {**found().found[2].to_dict(), "seconds": 0} == whole


def test_without_a_name_each_analysis_stands_beside_its_own_estimand() -> None:
    rows = found(None).to_dict()["rows"]
    assert {row["estimand"] for row in rows} == {"treatment_policy"}
    assert [row["changes"] for row in rows] == [{}, {PATH: 0.3}, {PATH: 0.6}]


def test_an_estimand_that_no_study_has_is_refused() -> None:
    with pytest.raises(InputError, match="must be an estimand of cars1: treatment_policy"):
        ts.missingness(CARS1, STOPPED, "hypothetic", 4, 15, n_jobs=1)

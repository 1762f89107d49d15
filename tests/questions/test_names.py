"""A study's name, or its file, may stand wherever a study is expected; a seed is a whole number."""

from collections.abc import Callable
from typing import Any

import pytest

import trialsim as ts

ONE: dict[str, Any] = {"replicates": 2, "n_jobs": 1}


@pytest.mark.parametrize(
    "question",
    [
        lambda study: ts.power(study, **ONE).power,
        lambda study: ts.what_if(study, {"design.patients": [60]}, **ONE).rows[1].power.estimate,
        lambda study: ts.type_one_error(study, **ONE).error.estimate,
        lambda study: ts.simulate(study, seed=1).batch.conduct.screened.item(),
        lambda study: ts.endpoint_cells(study, 2).effect,
        lambda study: ts.reproduce(study, **ONE).rows[0].simulated,
        lambda study: len(ts.compare(study, study).patients()),
    ],
)
def test_a_name_stands_for_its_study(question: Callable[[Any], float]) -> None:
    assert question("cars1") == question(ts.load("cars1"))


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(ts.InputError, match="did you mean cars1"):
        ts.power("cars11")
    with pytest.raises(ts.InputError, match="must be a study, the name"):
        ts.power(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"seed": 1.5}, {"seed": True}, {"replicates": 2.5}])
def test_a_number_that_is_not_whole_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ts.InputError, match="must be a whole number"):
        ts.power("cars1", **{**ONE, **changes})
    if "seed" in changes and changes["seed"] is not True:
        with pytest.raises(ValueError, match="whole number"):
            ts.simulate("cars1", **changes)


@pytest.mark.parametrize(
    "question",
    [
        lambda how: ts.reproduce("cars1", **how),
        lambda how: ts.calibrate("cars1", {"treatment.effect": "power=0.9"}, **how),
        lambda how: ts.disagreement("cars_pooled", **how),
    ],
)
@pytest.mark.parametrize("name", ["replicates", "seed", "n_jobs", "batch"])
def test_how_a_study_is_run_is_checked_first(question: Callable[[Any], Any], name: str) -> None:
    """Before a path that is none, or an address of no scheduler, can fail."""
    wrong = -1 if name == "seed" else 0
    with pytest.raises(ts.InputError, match=f"^{name}: must "):
        question({**ONE, name: wrong, "scheduler": "tcp://127.0.0.1:1"})

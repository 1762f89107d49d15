"""The procedure of randomisation run again, in whole trials."""

from typing import Any

import numpy as np
import pytest

from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario
from trialsim.stats.re_randomisation import as_extreme, deviations
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

ARMS = {
    "cerebrolysin": {"label": "30 mL", "dose_ml": 30},
    "placebo": {"label": "Saline", "dose_ml": 0},
    "high": {"label": "60 mL", "dose_ml": 60},
}


def small(statistic: str, randomisation: Any, draws: int = 999) -> Scenario:
    """Return eight patients of one list, all of whom are analysed."""
    test = {"method": "re_randomisation", "statistic": statistic, "draws": draws}
    return load("cars1").replace(
        {
            "design.patients": 8,
            "design.stratify_by": "nothing",
            "design.randomisation": randomisation,
            "analysis.test": test,
            "analysis.death": "as_missing",
            "analysis.secondary": {},
        }
    )


@pytest.mark.parametrize("statistic", ["mann_whitney", "mean_difference"])
def test_all_orders_of_small_blocks_are_enumerated(statistic: Any) -> None:
    """Two blocks of four have 36 sequences, each as likely."""
    study = small(statistic, {"method": "blocks", "sizes": [4]})
    trial = simulate_batch(study, Streams(1, range(20)))
    found = analyse_primary(trial, study.analysis)
    block = [[int(one in chosen) for one in range(4)] for chosen in _pairs()]
    orders = np.array([[*first, *second] for first in block for second in block])
    scores = trial.scores["arat"][:, :, -1]
    for row in np.flatnonzero(~np.isnan(scores).any(axis=1)):
        values = scores[row]
        (observed,) = deviations(values, trial.arms[row][None] == 0, statistic)
        drawn = deviations(values, orders == 0, statistic)
        expected = as_extreme(drawn, observed, "two-sided").mean()
        assert found.p_value[row] == pytest.approx(expected, abs=1e-12)


def _pairs() -> list[tuple[int, int]]:
    return [(one, other) for one in range(4) for other in range(one + 1, 4)]


def test_draws_come_near_to_all_sequences() -> None:
    """Eight patients have 256 sequences by a biased coin: one draw fewer, and they are drawn."""
    study = small("mann_whitney", {"method": "biased_coin", "probability": 0.7}, 256)
    trial = simulate_batch(study, Streams(1, range(40)))
    whole = analyse_primary(trial, study.analysis).p_value
    fewer = {**study.analysis.model_dump()["test"], "draws": 255}
    plan = AnalysisPlan.model_validate({**study.analysis.model_dump(), "test": fewer})
    drawn = analyse_primary(trial, plan).p_value
    error = np.sqrt(whole * (1 - whole) / 255) + 1 / 256
    assert (whole != drawn).any()
    assert (abs(whole - drawn) < 4 * error).all()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"design.randomisation": {"method": "list", "columns": {"arm": "placebo"}}},
            "cannot be re_randomisation with a list, in which nothing is left to chance",
        ),
        (
            {"design.arms": ARMS, "design.randomisation": "urn"},
            "cannot be re_randomisation, which is defined for two arms (got 3 arms)",
        ),
        ({"analysis.test.draws": 19, "analysis.alpha": 0.02}, "must be at least 49"),
        ({"analysis.death": "worst_rank"}, "cannot be worst_rank with re_randomisation"),
    ],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        small("mean_difference", "simple").replace(changes)
    assert problem in str(caught.value)

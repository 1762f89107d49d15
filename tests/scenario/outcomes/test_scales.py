"""A score is a value of its scale: the grid's cells, steps and cuts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.scales import Grid

CARS1 = load("cars1")

grids = st.builds(
    lambda low, steps, step, logarithmic: Grid(low, low + steps * step, step, logarithmic),
    st.integers(0, 50),
    st.integers(1, 300),
    st.sampled_from([0.1, 0.5, 1.0, 5.0]),
    st.booleans(),
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(grid=grids)
def test_every_cell_is_that_of_its_own_score(grid: Grid) -> None:
    cells = np.arange(grid.steps + 1.0)
    scores = grid.score_of(cells)
    np.testing.assert_array_equal(grid.cell_of(scores), cells)
    assert scores[0] == grid.low
    assert scores[-1] == pytest.approx(grid.high, abs=1e-9)
    if grid.is_whole:
        np.testing.assert_array_equal(scores, np.rint(scores))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(grid=grids, u=st.floats(-0.2, 1.2))
def test_a_latent_score_falls_between_the_cuts_of_its_cell(grid: Grid, u: float) -> None:
    value = max(grid.low + u * (grid.high - grid.low), 1e-6)
    latent = np.array(np.log(value) if grid.logarithmic else value)
    cell = grid.cell_of_latent(latent)
    below = np.searchsorted(grid.cuts, latent)
    on_a_cut = np.isclose(grid.cuts, latent, atol=1e-9).any()
    assert cell == below or on_a_cut


def test_a_missing_score_has_no_cell() -> None:
    assert np.isnan(Grid(0, 10, 1, False).cell_of(np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"step": 0.7}, "outcomes.arat.step: must divide the scale from low to high (got 0.7)"),
        ({"high": 0}, "outcomes.arat.high: must be above low (got 0)"),
        ({"step": 0.001}, "outcomes.arat.high: must be at most 10000 steps above low (got 57)"),
        (
            {"kind": "time", "low": -1},
            "outcomes.arat.low: must not be negative for a time or a count (got -1)",
        ),
        (
            {"prognosis": "nihss"},
            "outcomes.arat.prognosis: must be null where the score has a baseline, which is its "
            "prognosis (got nihss)",
        ),
    ],
)
def test_a_scale_that_cannot_be_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as refused:
        CARS1.replace({f"outcomes.arat.{name}": value for name, value in changes.items()})
    assert told in str(refused.value)


@pytest.mark.parametrize(("low", "high", "step"), [(10, 180, 1), (0, 1, 1), (0.5, 200, 0.01)])
def test_cells_of_logarithms_change_at_the_very_cut(low: float, high: float, step: float) -> None:
    """Looked up by a guide, of which a part may have many cut-points or none."""
    grid = Grid(low, high, step, True)
    cuts, ends = grid.cuts, np.array([-np.inf, -1e300, 0.0, 1e300, np.inf])
    latent = np.concatenate([cuts, np.nextafter(cuts, -99), np.nextafter(cuts, 99), ends])
    cells = grid.cell_of_latent(latent)
    np.testing.assert_array_equal(cells, [np.count_nonzero(cuts < one) for one in latent])

"""What is told of small arms is what the command of the documentation measures."""

from pathlib import Path

import numpy as np
import pytest

import trialsim as ts
from benchmarks.small_samples import METHODS, Draw, measured
from trialsim.replicates.result import conventions_of
from trialsim.scenario.plan.levels import LEVELS, SIZES, TRIALS, sizes_above

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods.md"


def table() -> dict[str, list[str]]:
    """Return the cells of the page's table of small samples by method."""
    small_samples, _, _ = PAGE.read_text(encoding="utf-8").partition("## Missing scores")
    lines = small_samples.splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| ")][1:]
    return {name.strip(): [cell.strip() for cell in cells] for name, *cells in rows}


def test_every_method_that_is_measured_is_told_and_the_page_has_the_same_figures() -> None:
    assert list(METHODS) == list(table())
    assert set(METHODS) == set(LEVELS)
    for name, cells in table().items():
        told = [float(cell.split()[0]) if cell else None for cell in cells]
        assert tuple(told) == LEVELS[name], name


@pytest.mark.parametrize(
    "name",
    [
        "mann_whitney",
        "mann_whitney, 12 sites, inverse-variance",
        "brunner_munzel, normal",
        "adjusted_rank, 4 covariates",
        "wei_lachin, placement",
        "wei_lachin, null_variance",
        "interval delong, effect 0.71",
        "dunnett, mann_whitney",
        "step_down_dunnett, mann_whitney, one dose works",
        "mcp_mod, mann_whitney, grades",
        "adjusted_rank, 1 covariate, grades",
        "interaction, ancova",
        "interaction, responders",
    ],
)
def test_the_command_measures_what_is_told(name: str) -> None:
    """1,000 trials and those of the page, an arm size; 4 standard errors of their difference."""
    found = {patients: one for _, patients, one in measured(1000, (name,))}
    for patients, told in zip(SIZES, LEVELS[name], strict=True):
        assert told is not None
        share = told / 100
        error = np.sqrt(share * (1 - share) * (1 / 1000 + 1 / TRIALS[name]))
        assert abs(found[patients].share - share) < 4 * error + 0.0005  # rounded to a tenth


def test_every_row_can_be_measured_and_none_rejects_far_too_often() -> None:
    """40 trials of 10 an arm; none reaches 10%, of which over 14 reject in 3 of a million."""
    for name, judged in METHODS.items():
        rejected = judged(Draw(np.random.default_rng(2016), 40, 10))
        assert rejected.shape == (40,), name
        assert rejected.dtype == np.bool_, name
        assert rejected.sum() <= 14, name


def test_a_level_that_is_too_high_is_told_where_the_test_is_chosen() -> None:
    assert sizes_above("restricted_mean, recovery")[:2] == [10, 25]
    assert sizes_above("mann_whitney") == sizes_above("dunnett, mann_whitney") == []
    study = ts.load("cars1").replace(
        {
            "analysis.test": {"method": "restricted_mean", "threshold": 45},
            "analysis.missing": "censored",
        }
    )
    told = conventions_of(study)["small_samples"]
    assert " (too often with 10" in told
    assert "too often" not in conventions_of(ts.load("cars1"))["small_samples"]


def test_what_holds_its_level_by_default_holds_it_at_ten_an_arm() -> None:
    """Within 4 standard errors of 10,000 trials; what does not is told, and chosen by name."""
    margin = 400 * np.sqrt(0.05 * 0.95 / 10_000)
    for name in (
        "mann_whitney",
        "wei_lachin, null_variance",
        "adjusted_rank, 1 covariate",
        "adjusted_rank, 2 covariates",
        "adjusted_rank, 4 covariates",
        "mann_whitney, 12 sites, inverse-variance",
        "proportional_odds",
    ):
        ten = LEVELS[name][0]
        assert ten is not None
        assert ten < 5 + margin, name
    for name in ("wei_lachin, placement", "brunner_munzel, normal"):
        ten = LEVELS[name][0]
        assert ten is not None
        assert ten > 5 + margin, name

"""A run stops at counts fixed in advance, when its error is small enough, whoever computes it."""

from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from trialsim.errors import InputError, RecruitmentError
from trialsim.questions.power import power
from trialsim.replicates.run import Failure, Replicates
from trialsim.runs.manifest import BLOCK
from trialsim.runs.precision import check_precision, is_precise, looks, until_precise
from trialsim.scenario.files.yaml_file import load

SEED: Final = 2016
SMALL: Final = load("cars1").replace({"design.patients": 20})


def rejecting(rejections: int, replicates: int) -> Replicates:
    return Replicates({"favoured": (np.arange(replicates) < rejections).astype(float)}, ())


def test_the_looks_are_whole_blocks_that_grow_by_about_a_quarter() -> None:
    counts = list(islice(looks(BLOCK), 40))
    assert counts[0] == BLOCK
    assert all(count % BLOCK == 0 for count in counts)
    assert all(later > count for count, later in pairwise(counts))
    assert all(later / count < 1.3 for count, later in pairwise(counts[10:]))


@pytest.mark.parametrize(("rejections", "enough"), [(500, 10_000), (900, 3_600), (980, 784)])
def test_a_run_stops_at_the_first_look_whose_error_is_small_enough(
    rejections: int, enough: int
) -> None:
    """Oracle: p (1 - p) / 0.005**2, to which the first look above it must come near."""
    asked: list[int] = []

    def run(more: range) -> Replicates:
        asked.append(more.stop)
        before, after = (count * rejections // 1000 for count in (more.start, more.stop))
        return rejecting(after - before, len(more))

    done = until_precise(run, 0.005, 16)
    assert asked == list(islice(looks(16), len(asked)))
    assert len(done.columns["favoured"]) == asked[-1]
    assert enough < asked[-1] < 1.3 * enough


def test_a_power_of_one_after_few_replicates_does_not_stop_a_run() -> None:
    """Its estimated error is 0, and its true one need not be."""
    assert not is_precise(rejecting(16, 16), 0.005)
    assert is_precise(rejecting(1024, 1024), 0.005)


def test_a_run_of_which_everything_fails_ends() -> None:
    def run(more: range) -> Replicates:
        failures = tuple(Failure(one, "by chance") for one in more)
        return Replicates({"favoured": np.full(len(more), np.nan)}, failures)

    assert len(until_precise(run, 0.005, 16).failures) == 16


def test_neither_workers_nor_a_directory_change_where_a_run_stops(tmp_path: Path) -> None:
    one, two, kept = (
        power(SMALL, None, SEED, n_jobs, precision=0.011, out=out)
        for n_jobs, out in ((1, None), (2, None), (1, tmp_path))
    )
    assert one.replicates == two.replicates == kept.replicates == 2 * BLOCK
    assert one.mcse <= 0.011
    counted = power(SMALL, one.replicates, SEED, n_jobs=1)
    for result in (one, two, kept):
        assert {**result.to_dict(), "seconds": 0} == {**counted.to_dict(), "seconds": 0}


@pytest.mark.parametrize("precision", [0, -0.1, 1e-9, 0.5, float("nan")])
def test_a_precision_that_no_run_can_have_is_refused(precision: float) -> None:
    with pytest.raises(InputError, match=r"^precision: must be at least 5e-05 and below 0\.5"):
        check_precision(precision)


def test_a_study_that_can_never_recruit_is_refused_at_once() -> None:
    bounds = {"eligibility.inclusion.age.at_least": 101, "eligibility.inclusion.age.at_most": 102}
    never = SMALL.replace(bounds)
    with pytest.raises(RecruitmentError):
        power(never, None, SEED, n_jobs=1, precision=0.01)

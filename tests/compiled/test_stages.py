"""Words, curves and steps are the same to the bit in every build."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from trialsim.arrays import Pairs, RowIndex
from trialsim.compiled.library import NUMPY, computed_by
from trialsim.curves import Curve, TailCurve
from trialsim.datasets import tables
from trialsim.quantiles import Steps
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import WORDS, Streams
from trialsim.trial.trial import simulate_batch

COMMON = settings(derandomize=True, max_examples=60, deadline=None)
EDGES = [0, 1, 2**20 - 1, 2**20, 2**31 - 1, 2**31, WORDS - 2**20, WORDS - 2, WORDS - 1]


def alike(builds: list[str], made: Callable[[], NDArray[Any]]) -> bool:
    """Return whether every build makes the same as NumPy, to the bit."""
    with computed_by(NUMPY):
        expected = made()
    for build in builds:
        with computed_by(build):
            found = made()
        if (found.dtype, found.shape, found.tobytes()) != (
            *(expected.dtype, expected.shape, expected.tobytes()),
        ):
            return False
    return True


def some_words(seed: int) -> NDArray[np.uint32]:
    """Return words from everywhere, the farthest among them."""
    random = np.random.default_rng(seed).integers(0, WORDS, 5_000)
    tails = np.exp2(np.random.default_rng(seed).uniform(0, 31, 2_000)).astype(np.int64)
    return np.concatenate([EDGES, random, tails, WORDS - 1 - tails]).astype(np.uint32)


@COMMON
@given(
    seed=st.integers(0, 2**64 - 1),
    first=st.sampled_from([0, 1, 77, 2**58 - 9, 2**58, 2**61 - 9, 2**63, 2**64 - 9]),
    replicates=st.integers(1, 9),
    units=st.sampled_from([1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 640, 1_537, 5_000]),
    draw=st.integers(0, 1_000),
)
def test_words_are_the_same(
    compiled_builds: list[str], seed: int, first: int, replicates: int, units: int, draw: int
) -> None:
    """In the first tiles and far beyond, of replicates whose counter fills more than one word."""
    streams = Streams(seed, range(first, first + replicates))
    assert alike(compiled_builds, lambda: streams.words("example", units, draw))


def test_tail_curves_are_the_same(compiled_builds: list[str]) -> None:
    words = some_words(1)
    gamma = partial(special.gammaincinv, 0.97**-2)
    functions: list[Any] = [special.ndtri, gamma, lambda u: -np.log1p(-u)]
    for curve in map(TailCurve, functions):
        for some in (words, words[::3], words[:700].reshape(70, 10).T):
            assert alike(compiled_builds, partial(curve.at, some))


def test_curves_are_the_same_within_at_and_beyond_their_ends(compiled_builds: list[str]) -> None:
    curve = Curve(np.sin, -2, 3, 32)
    at = np.concatenate([np.linspace(-3, 4, 9_999), [-2.0, 3.0, -np.inf, np.inf, 0.0, -0.0]])
    assert alike(compiled_builds, lambda: curve.at(at))
    assert alike(compiled_builds, lambda: curve.at(at[:9_000].reshape(90, 100).T))
    assert alike(compiled_builds, lambda: curve.at(np.asarray(0.25)))


@COMMON
@given(shares=st.lists(st.floats(0, 1), max_size=40))
def test_steps_are_the_same(compiled_builds: list[str], shares: list[float]) -> None:
    """Of values that are crowded, equally wide or without any word."""
    steps = Steps(np.arange(len(shares) + 1.0), sorted(shares))
    assert alike(compiled_builds, lambda: steps.at(some_words(2)))


@COMMON
@given(
    units=st.lists(st.sampled_from([0, 7, 8, 63, 64, 511, 512, 639, 640, 5_000]), min_size=1),
    first=st.integers(0, 2**40),
)
def test_words_at_places_are_those_among_all(
    compiled_builds: list[str], units: list[int], first: int
) -> None:
    """Of units in any order and some of them twice, for each replicate and for pairs."""
    streams, rows = Streams(5, range(first, first + 3)), np.arange(len(units)) % 3
    places = RowIndex(np.array([units, units[::-1], sorted(units)]))
    pairs = Pairs(rows, np.array(units))
    assert alike(compiled_builds, lambda: streams.words_at("example", places, 2))
    assert alike(compiled_builds, lambda: streams.words_at("example", pairs, 2))


def test_trials_that_are_left_after_others_failed_have_the_same_tables(
    compiled_builds: list[str],
) -> None:
    """Of some replicates of a batch, arrays do not lie in one piece of memory."""
    study = load("cars1").replace(
        {
            "design.patients": 30,
            "operations.recruitment_limit_days": 80,
            "operations.at_limit": "fail",
        }
    )
    trial = simulate_batch(study, Streams(5, range(24)))
    assert 0 < len(trial.replicates) < 24
    assert alike(
        compiled_builds, lambda: tables(trial)["screening"]["decided_minute"].to_numpy(np.int64)
    )

"""A random number belongs to its address: golden draws, batches, prefixes, and uniformity."""

from hashlib import blake2b
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, kstest

from trialsim.arrays import Floats
from trialsim.streams import Streams

GOLDEN = [
    # seed, purpose, replicate, draw, unit, number
    (2016, "arrival", 0, 0, 0, "0x1.95761474b7b76p-2"),
    (2016, "arrival", 0, 0, 1, "0x1.475314f3f6140p-7"),
    (2016, "arrival", 0, 0, 15, "0x1.0ff3c698ace38p-4"),
    (2016, "arrival", 0, 0, 16, "0x1.9986e516f8c3cp-3"),
    (2016, "arrival", 1, 0, 0, "0x1.41c281da622d4p-3"),
    (2016, "arrival", 63, 0, 207, "0x1.8fca0a079f125p-1"),
    (2016, "arrival", 64, 0, 0, "0x1.c8e0dcee5f56bp-1"),
    (2016, "arrival", 12345, 0, 207, "0x1.ef4285098efb7p-1"),
    (2016, "refusal", 0, 20, 3, "0x1.70f60aec7fad0p-5"),
    (0, "covariate arat", 0, 0, 0, "0x1.5c6675f4fc127p-1"),
    (2**64 - 1, "allocation", 9999, 11, 63, "0x1.fbd0e4c2830d6p-2"),
]

ADDRESS = {
    "seed": st.integers(0, 2**64 - 1),
    "purpose": st.text(min_size=1, max_size=20),
    "replicate": st.integers(0, 100_000),
    "draw": st.integers(0, 1_000),
    "unit": st.integers(0, 300),
}


def number_at(seed: int, purpose: str, replicate: int, draw: int, unit: int) -> float:
    """Find the number of one address with NumPy's Philox alone, as the module describes it."""
    key = int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little")
    philox = np.random.Philox(
        key=np.array([seed, key], np.uint64),
        counter=np.array([0, draw, replicate // 64, 0], np.uint64),
    )
    raw = philox.random_raw(1024 * (unit // 16) + 16 * (replicate % 64) + unit % 16 + 1)
    return (int(raw[-1] >> np.uint64(12)) + 0.5) / 2**52


@pytest.mark.parametrize(("seed", "purpose", "replicate", "draw", "unit", "number"), GOLDEN)
def test_draws_are_pinned_for_ever(
    seed: int, purpose: str, replicate: int, draw: int, unit: int, number: str
) -> None:
    """A release that moves these moves every simulated result that was ever published."""
    streams = Streams(seed, range(replicate, replicate + 1))
    assert streams.uniform(purpose, unit + 1, draw)[0, unit] == float.fromhex(number)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(**ADDRESS)
def test_a_number_is_found_by_numpy_from_its_address(
    seed: int, purpose: str, replicate: int, draw: int, unit: int
) -> None:
    streams = Streams(seed, range(replicate, replicate + 1))
    found = streams.uniform(purpose, unit + 1, draw)[0, unit]
    assert found == number_at(seed, purpose, replicate, draw, unit)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(start=st.integers(0, 500), size=st.integers(1, 200), place=st.floats(0, 1, exclude_max=True))
def test_a_replicate_is_the_same_alone_and_in_any_batch(
    start: int, size: int, place: float
) -> None:
    row = int(place * size)
    batch = Streams(7, range(start, start + size)).uniform("law", 33, 2)
    alone = Streams(7, range(start + row, start + row + 1)).uniform("law", 33, 2)
    assert (batch[row] == alone[0]).all()


@settings(derandomize=True, max_examples=60, deadline=None)
@given(units=st.integers(0, 200), more=st.integers(0, 200))
def test_more_units_change_no_earlier_unit(units: int, more: int) -> None:
    streams = Streams(7, range(60, 70))
    fewer = streams.uniform("law", units)
    assert fewer.shape == (10, units)
    assert (streams.uniform("law", units + more)[:, :units] == fewer).all()


def test_the_order_of_calls_changes_nothing() -> None:
    forward, backward = Streams(7, range(3)), Streams(7, range(3))
    one, two = forward.uniform("one", 20), forward.uniform("two", 20)
    assert (backward.uniform("two", 20) == two).all()
    assert (backward.uniform("one", 20) == one).all()
    assert (forward.uniform("one", 20) == one).all()


def test_every_part_of_the_address_counts() -> None:
    """Over 40,000 addresses no number occurs twice."""
    numbers = [
        Streams(seed, range(130)).uniform(purpose, 20, draw)
        for seed in (0, 1, 2**64 - 1)
        for purpose in ("one", "two")
        for draw in (0, 1, 2)
    ]
    together = np.concatenate([one.ravel() for one in numbers])
    assert len(np.unique(together)) == len(together) == 130 * 20 * 18


@pytest.mark.parametrize("bits", [0, 2**64 - 1])
def test_numbers_lie_strictly_between_0_and_1(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the generator gives nothing but zeros or nothing but ones."""

    def seated(*_: object) -> SimpleNamespace:
        return SimpleNamespace(random_raw=lambda count: np.full(count, bits, np.uint64))

    monkeypatch.setattr(Streams, "_seated", seated)
    number = Streams(1, range(1)).uniform("law", 1).item()
    assert number == (1 - 2**-53 if bits else 2**-53)


def slices(axis: str) -> Floats:
    """Return numbers whose addresses differ along one part only, in order, shape (4, 65536)."""
    if axis == "units":
        return Streams(11, range(4)).uniform("law", 65536)
    if axis == "replicates":
        return Streams(11, range(65536)).uniform("law", 4).T
    if axis == "draws":
        streams = Streams(11, range(256))
        drawn = np.stack([streams.uniform("law", 16, draw) for draw in range(64)], axis=-1)
        return drawn.reshape(4, 65536)
    if axis == "purposes":
        streams = Streams(11, range(256))
        drawn = np.stack([streams.uniform(f"law {i}", 16) for i in range(64)], axis=-1)
        return drawn.reshape(4, 65536)
    drawn = np.stack([Streams(seed, range(256)).uniform("law", 16) for seed in range(64)], axis=-1)
    return drawn.reshape(4, 65536)


@pytest.mark.parametrize("axis", ["units", "replicates", "draws", "purposes", "seeds"])
def test_numbers_are_uniform_along_every_axis(axis: str) -> None:
    """Chi-square over 256 cells and Kolmogorov-Smirnov; a true generator fails 1 in 1,000 times."""
    for numbers in slices(axis):
        counts = np.bincount((numbers * 256).astype(np.intp), minlength=256)
        assert 0.0005 < chisquare(counts).pvalue < 0.9995
        assert kstest(numbers, "uniform").pvalue > 0.0005


@pytest.mark.parametrize("axis", ["units", "replicates", "draws", "purposes", "seeds"])
@pytest.mark.parametrize("lag", [1, 16, 64])
def test_neighbours_are_independent_along_every_axis(axis: str, lag: int) -> None:
    """Chi-square of independence of a number and the one `lag` further, in 8 by 8 cells."""
    numbers = slices(axis)[0]
    cells = (numbers * 8).astype(np.intp)
    table = np.bincount(cells[:-lag] * 8 + cells[lag:], minlength=64).reshape(8, 8)
    assert 0.0005 < chi2_contingency(table).pvalue < 0.9995


def test_the_last_bits_are_random_too() -> None:
    """Midpoints of 2**52 cells have an even and an odd cell number equally often."""
    cells = Streams(3, range(64)).uniform("law", 1024) * 2**52 - 0.5
    assert (cells == np.floor(cells)).all()
    odd = int((cells % 2).sum())
    assert abs(odd - 32768) < 4 * 128  # four standard errors of a fair coin thrown 65,536 times


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed must lie in 0 to"):
        Streams(seed, range(1))


@pytest.mark.parametrize("replicates", [range(0), range(-1, 2), range(0, 4, 2), range(3, 0, -1)])
def test_replicates_that_are_no_contiguous_range_are_refused(replicates: range) -> None:
    with pytest.raises(ValueError, match="replicates must be a contiguous range"):
        Streams(0, replicates)

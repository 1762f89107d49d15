"""A random number belongs to its address: published vectors, golden draws, batches, uniformity."""

from hashlib import blake2b
from types import SimpleNamespace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare, kstest

from trialsim.arrays import Floats, Pairs
from trialsim.compiled.library import NUMPY, computed_by
from trialsim.streams import WORDS, BelowShare, Streams, are_within, cells, words_below

MASK: Final = 2**64 - 1
VECTORS: Final = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (MASK, MASK, MASK, MASK),
        (MASK, MASK),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]
"""Counter, key and numbers of Philox 4x64-10, as the authors publish them (Random123)."""

GOLDEN: Final = [
    # seed, purpose, replicate, draw, unit, word
    (2016, "arrival", 0, 0, 0, 0x2DEDD30A),
    (2016, "arrival", 0, 0, 1, 0x655D851D),
    (2016, "arrival", 0, 0, 15, 0x7902703D),
    (2016, "arrival", 0, 0, 64, 0x2FAB5831),
    (2016, "arrival", 1, 0, 0, 0xC2A20725),
    (2016, "arrival", 63, 0, 207, 0xBE275053),
    (2016, "arrival", 64, 0, 0, 0xDCB114E6),
    (2016, "arrival", 12345, 0, 600, 0x58FE2206),
    (2016, "refusal", 0, 20, 3, 0x7EA39030),
    (0, "covariate arat", 0, 0, 0, 0x7E093BF2),
    (2**64 - 1, "allocation", 9999, 11, 63, 0x97429CD1),
]

ADDRESS = {
    "seed": st.integers(0, 2**64 - 1),
    "purpose": st.text(min_size=1, max_size=20),
    "replicate": st.integers(0, 100_000),
    "draw": st.integers(0, 1_000),
    "unit": st.integers(0, 5_000),
}


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> list[int]:
    """Return a block of Philox 4x64 with ten rounds, written out from the paper."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        one, other = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = other >> 64 ^ c1 ^ k0, other & MASK, one >> 64 ^ c3 ^ k1, one & MASK
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & MASK, k1 + 0xBB67AE8584CAA73B & MASK
    return [c0, c1, c2, c3]


def word_at(seed: int, purpose: str, replicate: int, draw: int, unit: int) -> int:
    """Find the word of one address as the module describes it."""
    key = int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little")
    tile, size = 0, 64
    while unit >= size:
        unit -= size
        tile += 1
        size = 64 * 2 ** (tile // 8)
    counter = (size // 8 * replicate + unit // 8 + 1, draw, tile, 0)
    number = philox(counter, (seed, key))[unit % 8 // 2]
    return number >> 32 if unit % 2 else number & 0xFFFFFFFF


@pytest.mark.parametrize(("counter", "key", "block"), VECTORS)
def test_the_generator_is_the_published_one(
    counter: tuple[int, ...], key: tuple[int, ...], block: tuple[int, ...]
) -> None:
    """Both NumPy's, which counts before it draws, and the one written out above."""
    assert philox(counter, key) == list(block)
    whole = sum(part << 64 * place for place, part in enumerate(counter)) - 1
    before = [whole >> 64 * place & MASK for place in range(4)]
    numpys = np.random.Philox(
        counter=np.array(before, np.uint64), key=np.array(key, np.uint64)
    ).random_raw(4)
    assert numpys.tolist() == list(block)


@pytest.mark.parametrize(("seed", "purpose", "replicate", "draw", "unit", "word"), GOLDEN)
def test_draws_are_pinned_for_ever(
    seed: int, purpose: str, replicate: int, draw: int, unit: int, word: int
) -> None:
    """A release that moves these moves every simulated result that was ever published."""
    streams = Streams(seed, range(replicate, replicate + 1))
    assert streams.words(purpose, unit + 1, draw)[0, unit] == word
    assert streams.uniform(purpose, unit + 1, draw)[0, unit] == (word + 0.5) / 2**32


@settings(derandomize=True, max_examples=30, deadline=None)
@given(**ADDRESS)
def test_a_word_is_found_from_its_address(
    seed: int, purpose: str, replicate: int, draw: int, unit: int
) -> None:
    streams = Streams(seed, range(replicate, replicate + 1))
    found = streams.words(purpose, unit + 1, draw)[0, unit]
    assert found == word_at(seed, purpose, replicate, draw, unit)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(seed=ADDRESS["seed"], purpose=ADDRESS["purpose"], start=st.integers(0, 2**40 - 8))
def test_words_of_a_few_are_found_without_those_between_them(
    seed: int, purpose: str, start: int
) -> None:
    """Computed in more than one part, in tiles of every size that 5,000 units reach."""
    places = np.arange(5_000).repeat(2)[::-1]
    rows, draws = places * 5 % 8, places * 7 % 30
    found = Streams(seed, range(start, start + 8)).words_of_few(
        purpose, Pairs(rows, places), draws[None]
    )
    assert found.shape == (1, places.size)
    for one in range(0, places.size, 97):
        row, draw, unit = (int(each[one]) for each in (rows, draws, places))
        assert found[0, one] == word_at(seed, purpose, start + row, draw, unit)


def test_what_is_drawn_for_all_is_computed_for_a_few_where_that_is_less_work() -> None:
    few, many = (Pairs(np.arange(count) % 128, np.arange(count) % 500) for count in (900, 9_000))
    with computed_by(NUMPY):
        streams, alone = Streams(1, range(128)), Streams(1, range(1))
        draws = np.array([[1, 2, 3]])
        assert streams.are_few(few, draws.repeat(300, axis=1))
        assert not streams.are_few(many, draws.repeat(3_000, axis=1))
        one = Pairs(np.zeros(3, np.int64), np.array([4, 300, 2]))
        assert not alone.are_few(one, draws)
        assert not Streams(1, range(2**40, 2**40 + 128)).are_few(few, draws.repeat(300, axis=1))


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
    """Of 46,800 addresses as many words occur twice as chance has it, one in 2**32 of the pairs."""
    words = [
        Streams(seed, range(130)).words(purpose, 20, draw)
        for seed in (0, 1, 2**64 - 1)
        for purpose in ("one", "two")
        for draw in (0, 1, 2)
    ]
    together = np.concatenate([one.ravel() for one in words])
    assert len(together) == 130 * 20 * 18
    assert len(together) - len(np.unique(together)) <= 3  # 0.25 expected


@pytest.mark.parametrize("bits", [0, 2**64 - 1])
def test_numbers_lie_strictly_between_0_and_1(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the generator gives nothing but zeros or nothing but ones."""

    def seated(*_: object) -> SimpleNamespace:
        return SimpleNamespace(random_raw=lambda count: np.full(count, bits, np.uint64))

    monkeypatch.setattr(Streams, "_seated", seated)
    with computed_by(NUMPY):
        number = Streams(1, range(1)).uniform("law", 1).item()
    assert number == (1 - 2**-33 if bits else 2**-33)


@pytest.mark.parametrize("share", [0.0, 2.0**-33, 0.3, 0.5, 1 - 2.0**-33, 1.0])
def test_as_many_words_lie_below_a_share_as_stand_for_smaller_numbers(share: float) -> None:
    """All, none and all but one can be told apart; compared with fractions in full."""
    count = int(words_below(share))
    assert count == 0 or (count - 1 + 0.5) / WORDS < share
    assert count == WORDS or (count + 0.5) / WORDS >= share
    near = np.unique(np.clip([0, count - 1, count, WORDS - 1], 0, WORDS - 1)).astype(np.uint32)
    assert BelowShare(share).at(near).tolist() == [word < count for word in near.tolist()]
    shares = np.full(near.shape, share)
    assert (BelowShare(shares).at(near) == BelowShare(share).at(near)).all()


def test_runs_of_words_hold_their_first_and_not_the_one_after() -> None:
    words = np.array([0, 4, 5, 9, 10, WORDS - 1], np.uint32)
    inside = [False, False, True, True, False, True]
    assert are_within(words, ((5, 10), (WORDS - 1, WORDS))).tolist() == inside
    assert are_within(words, ((0, WORDS),)).all()
    assert not are_within(words, ()).any()


@pytest.mark.parametrize("count", [1, 3, 11])
def test_one_word_gives_a_cell_and_an_independent_rest(count: int) -> None:
    """Chi-square over cells and eighths of the rest; the rest's own tells nothing of the cell."""
    cell, rest = cells(Streams(5, range(64)).words("law", 1024), count)
    table = np.bincount((cell * 8 + (rest >> np.uint32(29))).ravel(), minlength=8 * count)
    assert len(table) == 8 * count
    assert 0.0005 < chisquare(table).pvalue < 0.9995


def slices(axis: str) -> Floats:
    """Return numbers whose addresses differ along one part only, in order, shape (4, 65536)."""
    if axis == "units":
        return Streams(12, range(4)).uniform("law", 65536)
    if axis == "replicates":
        return Streams(12, range(65536)).uniform("law", 4).T
    if axis == "draws":
        streams = Streams(12, range(256))
        drawn = np.stack([streams.uniform("law", 16, draw) for draw in range(64)], axis=-1)
        return drawn.reshape(4, 65536)
    if axis == "purposes":
        streams = Streams(12, range(256))
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
@pytest.mark.parametrize("lag", [1, 8, 64])
def test_neighbours_are_independent_along_every_axis(axis: str, lag: int) -> None:
    """Chi-square of independence of a number and the one `lag` further, in 8 by 8 cells."""
    numbers = slices(axis)[0]
    cells = (numbers * 8).astype(np.intp)
    table = np.bincount(cells[:-lag] * 8 + cells[lag:], minlength=64).reshape(8, 8)
    assert 0.0005 < chi2_contingency(table).pvalue < 0.9995


def test_every_bit_is_random() -> None:
    """Each of 32 is raised half of the time, within four standard errors of 65,536 throws."""
    words = Streams(3, range(64)).words("law", 1024)
    for bit in range(32):
        raised = int((words >> np.uint32(bit) & np.uint32(1)).sum())
        assert abs(raised - 32768) < 4 * 128


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number in 0 to"):
        Streams(seed, range(1))


@pytest.mark.parametrize("replicates", [range(0), range(-1, 2), range(0, 4, 2), range(3, 0, -1)])
def test_replicates_that_are_no_contiguous_range_are_refused(replicates: range) -> None:
    with pytest.raises(ValueError, match="replicates must be a contiguous range"):
        Streams(0, replicates)

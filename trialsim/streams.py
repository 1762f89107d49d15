"""Random numbers that belong to an address, not to an order of calls.

The address (seed, purpose, draw, replicate, unit) finds one word, a whole number of 32 bits, and
with it one number in (0, 1). A result therefore does not depend on batch size, number of workers or
order of events; more units change no earlier unit; and two scenarios share every number that they
do not change (common random numbers).

The generator is Philox 4x64 with ten rounds (Salmon et al. 2011, SC11, "Parallel random numbers: as
easy as 1, 2, 3") as NumPy implements it. Its key is (seed, hash of the purpose). Each of its blocks
of four numbers is cut into eight words, low halves first, and n blocks are the 8 n units of a tile:
block b of tile t of replicate r has the counter (n r + b + 1, draw, t, 0). Replicates thus follow
one another, and one seat of the generator draws a tile of a whole batch and nothing else. The first
eight tiles have 64 units each, the next eight 128, the next eight 256, and so on, so that a trial
of any size takes a few dozen seats and wastes few words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialsim.arrays import Booleans, Floats, Integers, Pairs, RowIndex, Words
from trialsim.compiled.library import stages
from trialsim.compiled.stages import Address, Stages

Runs: TypeAlias = tuple[tuple[int, int], ...]
"""Runs of words, each by its first and the first after it."""

WORDS: Final = 2**32
"""How many words there are; word w stands for the number (w + 1/2) / 2**32."""
TILE: Final = 64
"""Units of each of the first tiles; few units more than a multiple of it waste words."""
_ALIKE: Final = 8
"""Tiles of one size, before the size doubles."""
_BLOCK: Final = 8
"""Words of one block of the generator."""
_ROUNDS: Final = 10
_FACTORS: Final = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_GROWTH: Final = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
"""Of the keys from round to round."""
_HALF: Final = np.uint64(32)
_LOW: Final = np.uint64(2**32 - 1)
_MOST_COMPILED: Final = 2**64
"""Beyond this replicate, NumPy alone finds the words."""
_MOST_COMPUTED: Final = 2**40
"""Up to this replicate the counter of any unit fits one number."""
_AS_MANY_DRAWN: Final = 64
"""Words that the generator draws while one is computed among thousands."""
_DRAWN_MEANWHILE: Final = 2**16
"""Words that the generator draws while some are computed, however few they are."""
_AT_ONCE: Final = 2**12
"""Words computed together, so that all that is made of them stays in the cache."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The random numbers of a contiguous batch of replicates under one seed.

    Raises
    ------
    ValueError
        If the seed is not in [0, 2**64), or the replicates are empty, negative or not contiguous.
    """

    seed: int
    replicates: range
    _philox: np.random.Philox = field(
        default_factory=lambda: np.random.Philox(key=0), init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        whole = isinstance(self.seed, int | np.integer)
        if not whole or not 0 <= self.seed < 2**64:
            raise ValueError(f"seed must be a whole number in 0 to 2**64 - 1 (got {self.seed})")
        if len(self.replicates) < 1 or self.replicates.step != 1 or self.replicates.start < 0:
            raise ValueError(f"replicates must be a contiguous range (got {self.replicates})")

    def words(self, purpose: str, units: int, draw: int = 0) -> Words:
        """Return a word for each replicate and each of the first `units` units.

        Returns
        -------
        Words
            Shape (replicates, units).

        >>> alone = Streams(1, range(7, 8)).words("example", 9)
        >>> bool((Streams(1, range(9)).words("example", 5)[7] == alone[0, :5]).all())
        True
        """
        many, compiled = len(self.replicates), self.compiled
        if compiled is not None:
            return compiled.words(self.address(purpose, draw), many, units)
        tiles = [
            self._seated(purpose, draw, tile, size)
            .random_raw(many * size // 2)
            .reshape(many, -1)[:, : (wanted + 1) // 2]
            for tile, size, wanted in _tiles(max(units, 1))
        ]
        words: Words = np.concatenate(tiles, axis=1).astype("<u8", copy=False).view("<u4")
        return words[:, :units]

    def words_at(self, purpose: str, places: RowIndex, draw: int = 0) -> Words:
        """Return the words of units at some places of each replicate, in the places' shape.

        >>> streams, places = Streams(1, range(2)), RowIndex(np.array([[4, 1], [0, 0]]))
        >>> found, whole = streams.words_at("example", places), streams.words("example", 5)
        >>> bool((found == places.of(whole)).all())
        True
        """
        compiled = self.compiled
        if compiled is None:
            units = places.reach + places.reach % 2  # a whole number of drawn numbers
            return places.of(self.words(purpose, units, draw))
        address = self.address(purpose, draw)
        if isinstance(places, Pairs):
            return compiled.words_of_pairs(address, places.rows, places.places)[None]
        return compiled.words_at(address, places.places)

    def are_few(self, pairs: Pairs, draws: Integers) -> bool:
        """Return whether words of some pairs, each of its own draw, are best computed one by one.

        They are where NumPy would otherwise draw so many more that are not wanted.
        """
        if self.compiled is not None or self.replicates.stop > _MOST_COMPUTED:
            return False
        whole = np.count_nonzero(np.bincount(draws[0])) * len(self.replicates) * pairs.reach
        return bool(_AS_MANY_DRAWN * pairs.rows.size + _DRAWN_MEANWHILE < whole)

    def words_of_few(self, purpose: str, pairs: Pairs, draws: Integers) -> Words:
        """Return the words of some pairs, each of its own draw, shape (1, pair) both.

        >>> streams, pairs = Streams(1, range(4)), Pairs(np.array([3, 0]), np.array([600, 5]))
        >>> last, first = streams.words_of_few("example", pairs, np.array([[7, 2]]))[0]
        >>> last == streams.words("example", 601, 7)[3, 600]
        np.True_
        >>> first == streams.words("example", 6, 2)[0, 5]
        np.True_
        """
        octave = np.frexp(pairs.places // (_ALIKE * TILE) + 1)[1].astype(np.int64) - 1
        since = pairs.places + _ALIKE * TILE - (_ALIKE * TILE << octave)  # the octave's first unit
        tile = _ALIKE * octave + (since // TILE >> octave)
        unit = since & ((TILE << octave) - 1)
        before = (self.replicates.start + pairs.rows) * (TILE // _BLOCK) << octave
        counters = before + unit // _BLOCK + 1, draws[0], tile
        found = np.empty(draws.shape, np.uint32)
        for start in range(0, unit.size, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            numbers = _blocks([one[part] for one in counters], self.seed, purpose)
            words = np.ascontiguousarray(numbers.T, "<u8").view("<u4")
            found[0, part] = words[np.arange(len(words)), unit[part] % _BLOCK]
        return found

    @property
    def compiled(self) -> Stages | None:
        """The compiled stages, where they can find these words."""
        return stages() if self.replicates.stop <= _MOST_COMPILED else None

    def address(self, purpose: str, draw: int = 0) -> Address:
        """Return the address of the first word of a purpose and a draw, as the stages take it."""
        return self.seed, key_of(purpose), draw, self.replicates.start

    def uniform(self, purpose: str, units: int, draw: int = 0) -> Floats:
        """Return the words as numbers in (0, 1), where 0 and 1 never occur.

        >>> Streams(2016, range(3)).uniform("example", 2).shape
        (3, 2)
        """
        return numbers(self.words(purpose, units, draw))

    def _seated(self, purpose: str, draw: int, tile: int, size: int) -> np.random.Philox:
        """Return the generator before a tile's first block (20 times faster than building one).

        Of a replicate beyond 2**58 what does not fit the first word of the counter is in the last;
        a batch never spans such a boundary in practice.
        """
        beyond, first = divmod(self.replicates.start * (size // _BLOCK), 2**64)
        counter = (first, draw, tile, beyond)
        state: Any = {
            "bit_generator": "Philox",
            "state": {"counter": counter, "key": (self.seed, key_of(purpose))},
            "buffer": (0, 0, 0, 0),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        self._philox.state = state
        return self._philox


def _blocks(counters: Sequence[Integers], seed: int, purpose: str) -> NDArray[np.uint64]:
    """Return the numbers of blocks by their counters, whose fourth number is 0, (4, block)."""
    first, draw, tile = counters
    factors, growth, keys = (  # as many as blocks, as NumPy multiplies arrays of one shape faster
        np.repeat(np.array(one, np.uint64)[:, None], first.size, axis=1)
        for one in (_FACTORS, _GROWTH, (seed, key_of(purpose)))
    )
    factor_halves = factors >> _HALF, factors & _LOW
    even, odd = np.array([first, tile], np.uint64), np.array([draw, 0 * draw], np.uint64)
    for _ in range(_ROUNDS):
        high, low = _upper_half(even, *factor_halves), even * factors
        even = high[::-1] ^ odd
        even ^= keys
        odd = low[::-1]
        keys += growth
    return np.stack([even, odd], axis=1).reshape(4, -1)


def _upper_half(
    numbers: NDArray[np.uint64], factor_high: NDArray[np.uint64], factor_low: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return the upper 64 bits of products, from the four products of halves."""
    high, low = numbers >> _HALF, numbers & _LOW
    middle = low * factor_low
    middle >>= _HALF
    middle += high * factor_low
    low *= factor_high
    low += middle & _LOW
    low >>= _HALF
    middle >>= _HALF
    high *= factor_high
    high += middle
    high += low
    return high


def _tiles(units: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number and the size of each tile that units need, and how many of it they are."""
    tile = start = 0
    while start < units:
        size = TILE << (tile // _ALIKE)
        yield tile, size, min(size, units - start)
        tile, start = tile + 1, start + size


def whole_tiles(units: int) -> int:
    """Return how many units there are in the tiles that so many begin.

    >>> whole_tiles(500), whole_tiles(520)
    (512, 640)
    """
    return sum(size for _, size, _ in _tiles(units))


def numbers(words: Words) -> Floats:
    """Return the numbers in (0, 1) that words stand for, the middles of 2**32 equal cells.

    >>> numbers(np.array([0, 2**31], np.uint32)) == [2**-33, 0.5 + 2**-33]
    array([ True,  True])
    """
    middles: Floats = words + 0.5
    middles /= WORDS
    return middles


def words_below(share: float | Floats) -> NDArray[np.uint64]:
    """Return how many words stand for numbers below a share, itself from 0 to 1.

    >>> words_below(0.25) == 2**30
    np.True_
    """
    return np.ceil(np.asarray(share) * WORDS - 0.5).clip(0).astype(np.uint64)


class BelowShare:
    """Judges words by whether they stand for numbers below a share, one for all or one for each.

    >>> BelowShare(0.5).at(np.array([0, 2**31], np.uint32))
    array([ True, False])
    """

    def __init__(self, share: float | Floats) -> None:
        """Take the share, or shares in the shape of the words."""
        count = words_below(share)
        self.any: Booleans = np.asarray(count > 0)
        """Whether any word lies below."""
        self.last: Words = np.asarray(count - self.any, np.uint32)  # so that all and none differ

    def at(self, words: Words) -> Booleans:
        """Return which words lie below."""
        return (words <= self.last) & self.any


def word_of(number: Floats) -> Words:
    """Return the word in whose cell each number in [0, 1) lies.

    >>> word_of(np.array([0.0, 0.5])).tolist() == [0, 2**31]
    True
    """
    return np.minimum(number * WORDS, WORDS - 1).astype(np.uint32)


def cells(words: Words, count: int) -> tuple[Integers, Words]:
    """Return in which of so many equal cells each word lies, and where in the cell, as a word.

    >>> cells(np.array([2**31 + 2**30], np.uint32), 2)
    (array([1]), array([2147483648], dtype=uint32))
    """
    scaled = words * np.uint64(count)
    return (scaled >> np.uint64(32)).view(np.int64), scaled.astype(np.uint32)


def are_within(words: Words, runs: Runs) -> Booleans:
    """Return which words lie in one of some runs.

    >>> are_within(np.array([3, 4, 9], np.uint32), ((0, 4), (9, 2**32)))
    array([ True, False,  True])
    """
    within: Booleans | None = None
    for first, after in runs:
        here = words - np.uint32(first) <= np.uint32(after - 1 - first)  # what is below wraps
        within = here if within is None else np.logical_or(within, here, out=within)
    return np.zeros(words.shape, np.bool_) if within is None else within


def derived_seed(seed: int, purpose: str) -> int:
    """Return another seed for a purpose, whose numbers have nothing to do with those of this one.

    >>> derived_seed(2016, "example") == derived_seed(2017, "example")
    False
    """
    return key_of(f"{purpose} under seed {seed}")


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator for a simulation without patients, whose numbers need no address.

    >>> generator(2016, "example").multinomial(10, [0.5, 0.5]).sum().item()
    10
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, key_of(purpose)))))


@cache
def key_of(purpose: str) -> int:
    """Return the hash of a purpose, which is the second half of the generator's key."""
    return int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little")


def confirmation_seed(seed: int) -> int:
    """Return the seed of the replicates that confirm a search: a hash of the search's own.

    >>> confirmation_seed(2016)
    7526309030622197428
    """
    digest = blake2b(f"confirmation of {seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")

"""Random numbers that belong to an address, not to an order of calls.

The address (seed, purpose, replicate, draw, unit) finds one number in (0, 1). A result therefore
does not depend on batch size, number of workers or order of events; more units change no earlier
unit; and two scenarios share every number that they do not change (common random numbers).

The generator is Philox 4x64 with ten rounds (Salmon et al. 2011, SC11, "Parallel random numbers: as
easy as 1, 2, 3") as NumPy implements it: key = (seed, hash of the purpose), counter = (0, draw,
replicate // 64, 0). Sixty-four replicates share a stream, so that seating the generator costs next
to nothing in a batch; it runs through tiles of sixteen units, in each through the replicates, and
for each of these through the units: unit u of replicate r is number
1024 (u // 16) + 16 (r mod 64) + u mod 16.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Final

import numpy as np

from trialsim.arrays import Floats

LANES: Final = 64
"""Replicates that share a stream; batches that are multiples of it waste no number."""
TILE: Final = 16
"""Units that lie side by side in a stream; multiples of it waste no number."""

_EXPONENT_OF_ONE: Final = np.uint64(0x3FF0_0000_0000_0000)
_ONE_LESS_HALF_STEP: Final = 1.0 - 2.0**-53


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

    def uniform(self, purpose: str, units: int, draw: int = 0) -> Floats:
        """Return a number in (0, 1) for each replicate and each of the first `units` units.

        The numbers are the midpoints (k + 1/2) / 2**52, so 0 and 1 never occur.

        Returns
        -------
        Floats
            Shape (replicates, units).

        >>> Streams(2016, range(3)).uniform("example", 2).shape
        (3, 2)
        >>> alone = Streams(1, range(7, 8)).uniform("example", 9)
        >>> bool((Streams(1, range(9)).uniform("example", 5)[7] == alone[0, :5]).all())
        True
        """
        tiles = -(-units // TILE)
        numbers = np.empty((len(self.replicates), tiles, TILE))
        for block, lanes, rows in self._blocks():
            bits = self._seated(purpose, draw, block).random_raw(tiles * LANES * TILE)
            bits >>= np.uint64(12)
            bits |= _EXPONENT_OF_ONE  # a double in [1, 2) whose last 52 bits are random
            ones = bits.view(np.float64).reshape(tiles, LANES, TILE)
            np.subtract(ones[:, lanes].swapaxes(0, 1), _ONE_LESS_HALF_STEP, out=numbers[rows])
        return numbers.reshape(len(numbers), tiles * TILE)[:, :units]

    def _blocks(self) -> Iterator[tuple[int, slice, slice]]:
        """Yield each stream that the batch needs, the lanes it takes, and the rows they fill."""
        start, stop = self.replicates.start, self.replicates.stop
        for block in range(start // LANES, (stop - 1) // LANES + 1):
            first, last = max(start, block * LANES), min(stop, (block + 1) * LANES)
            lanes = slice(first - block * LANES, last - block * LANES)
            yield block, lanes, slice(first - start, last - start)

    def _seated(self, purpose: str, draw: int, block: int) -> np.random.Philox:
        """Return the generator at the head of a stream (20 times faster than building one)."""
        self._philox.state = {
            "bit_generator": "Philox",
            "state": {
                "counter": np.array([0, draw, block, 0], np.uint64),
                "key": np.array([self.seed, _key_of(purpose)], np.uint64),
            },
            "buffer": np.zeros(4, np.uint64),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        return self._philox


def derived_seed(seed: int, purpose: str) -> int:
    """Return another seed for a purpose, whose numbers have nothing to do with those of this one.

    >>> derived_seed(2016, "example") == derived_seed(2017, "example")
    False
    """
    return _key_of(f"{purpose} under seed {seed}")


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator for a simulation without patients, whose numbers need no address.

    >>> generator(2016, "example").multinomial(10, [0.5, 0.5]).sum().item()
    10
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, _key_of(purpose)))))


@cache
def _key_of(purpose: str) -> int:
    return int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little")


def confirmation_seed(seed: int) -> int:
    """Return the seed of the replicates that confirm a search: a hash of the search's own.

    >>> confirmation_seed(2016)
    7526309030622197428
    """
    digest = blake2b(f"confirmation of {seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")

"""What it costs that a random number has an address, and the floor that the numbers set."""

from typing import Final

import numpy as np

from benchmarks.floor import Draw, draw_again, draws_of
from benchmarks.measure import Effort, Row, Table, compared, in_turns, on_one_core
from trialsim.replicates.run import BATCH
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import TILE, WORDS, Streams

SEED: Final = 2016
WIDE: Final = 8 * TILE
LARGE: Final = 1024 * TILE


def measure(effort: Effort) -> Table:
    """Compare numbers by address with those that NumPy's Philox gives one after the other."""
    draws = draws_of(load("cars1"), SEED)
    asked = sum(one.units for one in draws)
    return Table(
        "Philox by address (ours) against NumPy's Generator(Philox) running on (theirs)",
        [
            _in_a_row(f"{BATCH} replicates x {WIDE} units", BATCH, WIDE, effort),
            _in_a_row(f"one tile, {BATCH} replicates x {TILE}", BATCH, TILE, effort),
            _in_a_row(f"a large trial alone, 1 replicate x {LARGE}", 1, LARGE, effort),
            _alone(effort),
            _floor(draws, effort),
            Row("numbers that a cars1 trial asks for", "numbers", asked),
        ],
    )


def _in_a_row(what: str, replicates: int, units: int, effort: Effort) -> Row:
    """Compare blocks of numbers of one shape."""
    streams, plain = Streams(SEED, range(replicates)), np.random.Generator(np.random.Philox(SEED))
    blocks = effort.of(200_000_000 // (20 * replicates * units), least=2)

    def ours() -> None:
        for draw in range(blocks):
            streams.words("benchmark", units, draw)

    def theirs() -> None:
        for _ in range(blocks):
            plain.integers(0, WORDS, (replicates, units), np.uint32)

    amount = blocks * replicates * units / 1e6
    works = {"ours": on_one_core(ours, amount), "theirs": on_one_core(theirs, amount)}
    rates = in_turns(works, effort.repeats)
    return compared(what, "million/s", rates["ours"], rates["theirs"])


def _alone(effort: Effort) -> Row:
    """Compare one number at an address of its own with a generator built for it."""
    streams, calls = Streams(SEED, range(1)), effort.of(20_000, least=100)

    def ours() -> None:
        for draw in range(calls):
            streams.words("benchmark", 1, draw)

    def theirs() -> None:
        for draw in range(calls):
            np.random.Generator(np.random.Philox(key=draw)).random()

    works = {"ours": on_one_core(ours, calls), "theirs": on_one_core(theirs, calls)}
    rates = in_turns(works, effort.repeats)
    what = "one number alone, against a generator built for it"
    return compared(what, "us", 1e6 / rates["ours"], 1e6 / rates["theirs"])


def _floor(draws: list[Draw], effort: Effort) -> Row:
    """Compare all the draws of trials with as many numbers in the same portions."""
    plain = np.random.Generator(np.random.Philox(SEED))
    trials = BATCH * effort.of(32)

    def theirs() -> None:
        for _ in range(trials // BATCH):
            for one in draws:
                plain.integers(0, WORDS, (BATCH, one.units), np.uint32)

    works = {
        "ours": on_one_core(lambda: draw_again(draws, SEED, trials), trials),
        "theirs": on_one_core(theirs, trials),
    }
    rates = in_turns(works, effort.repeats)
    return compared("all draws of cars1: the floor", "trials/s", rates["ours"], rates["theirs"])

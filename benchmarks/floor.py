"""The floor under any engine: the random numbers of a trial, drawn again and put to no use."""

from typing import NamedTuple
from unittest.mock import patch

from trialsim.compiled.library import NUMPY, computed_by
from trialsim.replicates.run import BATCH, Simulation
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams


class Draw(NamedTuple):
    """One call of `Streams.words`."""

    purpose: str
    units: int
    draw: int = 0


def draws_of(scenario: Scenario, seed: int) -> list[Draw]:
    """Return what the vector engine and the analysis ask of the streams for one batch.

    NumPy computes, for compiled stages ask nobody.
    """
    with computed_by(NUMPY):
        return _draws_of(scenario, seed)


def _draws_of(scenario: Scenario, seed: int) -> list[Draw]:
    Simulation(scenario, seed, "vector").run(range(BATCH))  # what is judged once is judged now
    with patch.object(Streams, "words", autospec=True, side_effect=Streams.words) as words:
        Simulation(scenario, seed, "vector").run(range(BATCH))
    return [Draw(*call.args[1:], **call.kwargs) for call in words.call_args_list]


def draw_again(draws: list[Draw], seed: int, replicates: int) -> None:
    """Draw the numbers of so many replicates, batch by batch, and forget them."""
    for start in range(0, replicates, BATCH):
        streams = Streams(seed, range(start, start + BATCH))
        for one in draws:
            streams.words(one.purpose, one.units, one.draw)

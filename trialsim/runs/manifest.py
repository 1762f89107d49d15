"""What decides every number of a run, and what differs between two runs.

The command, the workers and the time decide nothing, so they are not in it.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from trialsim.errors import Problem
from trialsim.replicates.checks import check_recruitment, chosen_engine
from trialsim.replicates.deltas import Deltas
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import Summarise, summary_of
from trialsim.replicates.versions import processor_here, versions_here
from trialsim.scenario.programme import Study, differences, value_at
from trialsim.scenario.validation.paths import changed_paths, part_at
from trialsim.scenario.validation.problems import as_written
from trialsim.trial.trial import Engine

POWER: Final = "power"
"""The command whose run is one study's alone."""
SECONDARY: Final = "secondary"
"""The input of a run that keeps the secondary analyses too."""
ESTIMANDS: Final = "estimands"
"""The input of a run that keeps what the true values of estimands follow from."""
DELTAS: Final = "deltas"
"""The input of a run that keeps what is found under each delta of imputed scores."""
TOLERANCE: Final = "tolerance"
"""Beside it, how near to the change of a conclusion deltas are sought."""
BLOCK: Final = 1024
"""Replicates in one part of a run; the grid of parts does not depend on workers or counts."""


class RunManifest(NamedTuple):
    """A run, but for how many replicates it has."""

    scenario: Study
    seed: int
    engine: Engine
    versions: Mapping[str, str]
    block: int
    command: str = POWER
    inputs: Mapping[str, Any] = MappingProxyType({})
    """What else decides the numbers of a command that runs several scenarios."""
    processor: str = ""
    """On which it began; another may give a number another last bit."""

    @property
    def kept(self) -> Summarise:
        """What is kept of each replicate, and beside it what the inputs say."""
        told = {name: self.inputs.get(name) is True for name in (SECONDARY, ESTIMANDS)}
        tried = tuple(self.inputs.get(DELTAS, ()))
        deltas = Deltas(tried, float(self.inputs[TOLERANCE])) if tried else None
        return summary_of(self.scenario, **told, deltas=deltas)

    def blocks_of(self, replicates: range) -> range:
        """Return the blocks that hold contiguous replicates."""
        return range(replicates.start // self.block, -(-replicates.stop // self.block))

    def origin(self) -> dict[str, str]:
        """Return what each part says of where it comes from."""
        return {
            "digest": self.scenario.digest,
            "seed": str(self.seed),
            "engine": self.engine,
            "block": str(self.block),
            "versions": json.dumps(dict(self.versions), sort_keys=True),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values, for JSON; the scenario is in a file beside it."""
        return {
            "command": self.command,
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "digest": self.scenario.digest,
            "seed": self.seed,
            "engine": self.engine,
            "versions": dict(self.versions),
            "block": self.block,
            "inputs": dict(self.inputs),
            "processor": self.processor,
            "note": SIMULATED,
        }


def manifest_here(
    scenario: Study, seed: int, engine: Engine = "auto", block: int = BLOCK
) -> RunManifest:
    """Return the manifest of a run that begins here.

    Raises
    ------
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients.
    RecruitmentError
        If recruitment can never finish.
    """
    used = chosen_engine(scenario, engine)
    check_recruitment(scenario)
    return RunManifest(scenario, seed, used, versions_here(), block, processor=processor_here())


def run_differences(held: RunManifest, wanted: RunManifest, where: str) -> Iterator[Problem]:
    """Yield what keeps the replicates of two runs from being mixed, path by path.

    What two commands compute of two studies, or two commands of one, is not comparable.
    """
    if held.command != wanted.command:
        yield _differs("command", held.command, wanted.command, where)
    elif held.scenario.digest == wanted.scenario.digest:
        for path in changed_paths(held.inputs, wanted.inputs):
            yield _differs(path, part_at(held.inputs, path), part_at(wanted.inputs, path), where)
    if held.scenario.digest != wanted.scenario.digest:
        changes = differences(held.scenario, wanted.scenario)
        # nothing that is set apart differs: only the order of what the scenario lists
        for path in changes or ("scenario",):
            yield _differs(path, value_at(held.scenario, path), changes.get(path), where)
    for name in ("seed", "engine", "block"):
        yield from _if_differs(name, getattr(held, name), getattr(wanted, name), where)
    for package in {**held.versions, **wanted.versions}:
        path = f"versions.{package}"
        yield from _if_differs(
            path, held.versions.get(package), wanted.versions.get(package), where
        )


def _if_differs(path: str, held: Any, wanted: Any, where: str) -> Iterator[Problem]:
    if held != wanted:
        yield _differs(path, held, wanted, where)


def _differs(path: str, held: Any, wanted: Any, where: str) -> Problem:
    """Return the problem of one path; None stands for what is not there."""
    rule = "must not be given" if held is None else f"must be {as_written(held)}"
    return Problem(path, f"{rule}, as in {where}", as_written(wanted))

"""How far analyses stray from an estimand as more scores are missing or follow an event."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trialsim.errors import InputError, Problem, nearest
from trialsim.questions.estimands.estimands import estimands_by
from trialsim.questions.estimands.result import Beside, Estimands
from trialsim.questions.what_if.variants import Variant, alternatives
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH
from trialsim.runs.manifest import ESTIMANDS
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import estimands_of
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

REPLICATES = 1_000
COMMAND: Final = "missingness"


@dataclass(frozen=True, repr=False)
class Missingness(Shown):
    """A study beside those in which more is missing, on the same random numbers, the study first.

    Analyses stand beside one estimand, or beside the one that each is for.
    """

    variants: tuple[Variant, ...]
    estimand: str | None
    """The name of the estimand; None for that of each analysis."""
    found: tuple[Estimands, ...]
    """What is said of the estimands of each variant."""
    seconds: float

    @property
    def scenario(self) -> str:
        """The name of the study."""
        return self.found[0].scenario

    @property
    def digest(self) -> str:
        """The digest of the study."""
        return self.found[0].digest

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return self.found[0].seed

    @property
    def replicates(self) -> int:
        """Trials of each variant."""
        return self.found[0].replicates

    @property
    def affected(self) -> tuple[Mean, ...]:
        """Share of those alive at the visit without a score there or after an event, by variant."""
        return tuple(one.affected for one in self.found)

    def beside(self, place: int) -> tuple[Beside, ...]:
        """Return the analyses of a variant beside the estimand."""
        return tuple(
            one
            for one in self.found[place].matrix
            if (one.is_named if self.estimand is None else one.estimand == self.estimand)
        )

    def to_frame(self) -> "DataFrame":
        """Return a row for each variant and analysis: the share affected, truth, bias, coverage."""
        from pandas import DataFrame

        return DataFrame(self._rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON; what has no value is null."""
        about = ("scenario", "digest", "seed", "replicates", "estimand")
        return {
            **{name: getattr(self, name) for name in about},
            "rows": self._rows(),
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for place, variant in enumerate(self.variants):
            share = self.affected[place]
            start: dict[str, Any] = {"variant": variant.name, "changes": dict(variant.changes)}
            start |= {"affected": float(share.estimate), "affected_mcse": float(share.mcse)}
            rows += [{**start, **one.to_dict()} for one in self.beside(place)]
        return rows


def missingness(
    scenario: Study | str | Path,
    changes: Mapping[str, Sequence[Any]],
    estimand: str | None = None,
    replicates: int = REPLICATES,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> Missingness:
    """Compute the bias of each analysis of a study as more scores are missing or follow an event.

    >>> import trialsim as ts
    >>> more = {"operations.discontinuation.probability": [0.2]}
    >>> found = ts.missingness("cars1", more, "treatment_policy", replicates=16, n_jobs=1)
    >>> len(found.affected), bool(found.affected[1].estimate > found.affected[0].estimate)
    (2, True)

    Parameters
    ----------
    changes
        The values that each path takes, one at a time, such as probabilities to withdraw.
    estimand
        The name of the estimand beside which all analyses stand; None for the one that each is for.
    out
        A directory that keeps what is run of each study, from which the same call continues.

    Raises
    ------
    InputError
        If a path or a value is wrong, there is no such estimand, a number is out of range, or the
        directory is that of another command.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler).checked_for(replicates)
    variants = alternatives(single_trial(load_study(scenario)), changes)
    return missingness_by(runner, variants, estimand, replicates, out)


def missingness_by(
    runner: Runner,
    variants: tuple[Variant, ...],
    estimand: str | None,
    replicates: int,
    out: str | Path | None = None,
) -> Missingness:
    """Return the biases in each variant as a runner gives them.

    Raises
    ------
    InputError
        If a variant has no such estimand, or the directory is that of another command.
    """
    began, studies = time.perf_counter(), [single_trial(one.scenario) for one in variants]
    for study in studies:
        _check_estimand(study, estimand)
    rows = {str(row): f"{one.name} ({one.scenario.digest})" for row, one in enumerate(variants)}
    inputs = {ESTIMANDS: True, "variants": rows}
    runner = runner.keeping(out, studies[0], COMMAND, inputs)
    if runner.shard is not None:  # which ends with its share of the blocks of all of them
        runner.run_each([(study, range(replicates)) for study in studies])
    found = tuple(estimands_by(runner, study, replicates) for study in studies)
    result = Missingness(variants, estimand, found, time.perf_counter() - began)
    runner.write_summary(result)
    return result


def _check_estimand(study: Scenario, estimand: str | None) -> None:
    known = estimands_of(study)
    if estimand is not None and estimand not in known:
        rule = f"must be an estimand of {study.name}: {', '.join(known)}{nearest(estimand, known)}"
        raise InputError([Problem("estimand", rule, estimand)])

"""How often a design rejects what is true: the same study without any effect, or at its margin.

Nothing has an effect when no arm is given any study drug, all arms have the same course, and all
carry the same risks. The type I error of a two-sided test counts rejections in both directions.

Where the plan tests a margin, the true effect is brought to it: the primary outcome's effect is the
one at which the two populations differ by the margin. Of two margins it is the one at which more
trials claim equivalence.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import scipy  # its parts load when they are first used

from trialsim.errors import RunError
from trialsim.questions.power import REPLICATES, power_by
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED, PowerResult
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.programme import TRIALS, Programme, Study, differences
from trialsim.scenario.scenario import Scenario
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Proportion
from trialsim.streams import derived_seed
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, repr=False)
class TypeOneError(Shown):
    """The replicates of a study without effect, and what they say of its level."""

    result: PowerResult
    """The operating characteristics of the study without effect."""
    alpha: float
    changes: Mapping[str, Any]
    """Path and value of what the study without effect, or at its margin, has otherwise."""

    @property
    def null(self) -> str:
        """What is true in the trials: `no effect`, or the effect at a margin."""
        if self.result.claim == "superiority":
            return "no effect"
        return f"{self.result.quantity.name} at the margin, {float(self.result.truth.estimate):.4g}"

    @property
    def error(self) -> Proportion:
        """Share of replicates that reject, in whichever direction, with Wilson's interval."""
        return self.result.rejections

    @property
    def verdict(self) -> str:
        """What the replicates show of the level, and what they are too few for."""
        return verdict_on(self.error, self.alpha, self.result.replicates)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        about = ("scenario", "digest", "seed", "replicates", "failed", "engine", "seconds")
        return {
            **{name: getattr(self.result, name) for name in about},
            "alpha": self.alpha,
            "type_one_error": float(self.error.estimate),
            "mcse": float(self.error.mcse),
            "ci": [float(self.error.low), float(self.error.high)],
            "favoured": float(self.result.favoured.estimate),
            "wrong_direction": float(self.result.wrong_direction.estimate),
            "null": self.null,
            "verdict": self.verdict,
            "changes": dict(self.changes),
            "note": SIMULATED,
        }

    def to_frame(self) -> "DataFrame":
        """Return a row: the type I error with its error and interval, and alpha."""
        from pandas import DataFrame

        return DataFrame([{**self.error._asdict(), "alpha": self.alpha}]).astype(float)


def type_one_error(
    scenario: Study | str | Path,
    replicates: int = REPLICATES,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> TypeOneError:
    """Simulate a study without any effect, and count the trials that reject all the same.

    A plan that tests a margin is simulated with the effect at it.

    >>> import trialsim as ts
    >>> found = ts.type_one_error(ts.load("cars1"), replicates=256, n_jobs=1)
    >>> bool(found.error.low < 0.05 < found.error.high)
    True

    Parameters
    ----------
    seed
        The seed of the question: the trials have another one, `own_seed` of it, which the result
        tells.
    out
        A directory that keeps the run, from which the same call continues.

    Raises
    ------
    InputError
        If a number is out of range, or the directory is that of another run.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return type_one_error_by(runner, scenario, replicates, out)


def type_one_error_by(
    runner: Runner, study: Study, replicates: int, out: str | Path | None = None
) -> TypeOneError:
    """Return the type I error of a study as a runner gives it, by trials on a seed of their own."""
    runner = replace(runner, seed=own_seed(runner.seed))
    without = at_null(runner, study, replicates)
    result = power_by(runner.keeping(out, without), without, replicates)
    return TypeOneError(result, study.analysis.alpha, differences(study, without))


def at_null(runner: Runner, study: Study, replicates: int) -> Study:
    """Return the same study where what its test rejects is true: no effect, or one at its margin.

    Raises
    ------
    RunError
        If no effect of the drug brings that of the populations to the margin.
    """
    if isinstance(study, Programme) or study.analysis.margin is None:
        return without_effect(study)
    margin, upper = study.analysis.margin, study.analysis.upper_margin
    pilot = replace(runner, directory=None, progress=None)
    at = _at_margin(pilot, study, margin, replicates)
    if upper is None:
        return at
    other = _at_margin(pilot, study, upper, replicates)
    pilot = replace(pilot, seed=derived_seed(pilot.seed, "border of equivalence"))
    claims = (power_by(pilot, one, _PILOT).power for one in (at, other))
    return max(zip(claims, (at, other), strict=True), key=lambda one: one[0])[1]


_PILOT: Final = 1_024
"""Trials of each effect while its search closes in."""
_MOST: Final = 8_192
_LEAST, _STEPS, _CLOSE = 0.02, 8, 0.1


def _at_margin(runner: Runner, study: Scenario, margin: float, replicates: int) -> Scenario:
    """Return the study with the effect at which its two populations differ by a margin.

    The effect is a Mann-Whitney effect at full exposure, the same on every outcome that is
    analysed; the secant method finds it, on the same trials for every effect.
    """
    ratio = study.analysis.quantity.is_ratio
    aim = math.log(margin) if ratio else margin

    def moved(place: float) -> Scenario:
        outcomes = study.analysis.test.outcomes_of(study.analysis)
        paths = [f"outcomes.{name}.effect" for name in outcomes]
        value = min(max(float(scipy.special.expit(place)), _LEAST), 1 - _LEAST)
        each = {"anchor": "theta", "value": round(value, 6)}
        return study.replace({f"{path}.{name}": each[name] for path in paths for name in each})

    def beyond(place: float, count: int) -> tuple[float, float]:
        truth = power_by(runner, moved(place), count).truth
        value, error = float(truth.estimate), float(truth.mcse)
        return (math.log(value) - aim, error / value) if ratio else (value - aim, error)

    below = margin < study.analysis.quantity.null
    near, place, count = 0.0, -0.2 if below else 0.2, min(_PILOT, replicates)
    before, _ = beyond(near, count)
    for _ in range(_STEPS):
        away, error = beyond(place, count)
        if abs(away) <= _CLOSE * error or (rise := (away - before) / (place - near)) == 0:
            break
        near, before, place = place, away, place - away / rise
    if not abs(away) <= error:
        rule = f"no effect of the drug brings the {study.analysis.quantity.name} to {margin:g}"
        raise RunError(f"{rule}: the last was {away + aim:.4g} beyond its scale")
    more, _ = beyond(place, min(_MOST, max(replicates, count)))
    return moved(place - more / rise)


def verdict_on(error: Proportion, alpha: float, replicates: int) -> str:
    """Return what so many replicates show of a level, and what they are too few for."""
    low, high = float(error.low), float(error.high)
    told = f"95% interval {low:.4f} to {high:.4f} of {replicates:,} trials"
    if low > alpha:
        return f"above {alpha:g}: {told}"
    if high <= alpha:
        return f"at most {alpha:g}: {told}"
    return (
        f"not distinguishable from {alpha:g}: {told}; an excess of less than "
        f"{high - alpha:.4f} is not ruled out"
    )


def own_seed(seed: int) -> int:
    """Return the seed of the trials without effect that belongs to the seed of a question.

    So type I error and power under one seed rest on different trials, and the errors of both are
    independent.
    """
    return derived_seed(seed, "type I error")


def without_effect(study: Study) -> Study:
    """Return the same study with no study drug, and with one course and the same risks in all arms.

    >>> import trialsim as ts
    >>> [arm.doses for arm in without_effect(ts.load("cars1")).design.arms.values()]
    [(0.0,), (0.0,)]
    """
    if not isinstance(study, Programme):
        return study.replace(dict(_of_the_drug(study)))
    changes = {
        f"{TRIALS}.{name}.{path}": value
        for name, trial in study.trials.items()
        for path, value in _of_the_drug(trial)
    }
    return study.replace(changes)


def without_risks(study: Scenario) -> Scenario:
    """Return the same study with the same risks in all arms, whatever the drug does to scores."""
    changes = {path: value for path, value in _of_the_drug(study) if path.startswith("operations.")}
    return study.replace(changes) if changes else study


def _of_the_drug(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """Yield path and value of all that would let an arm do better or worse than another."""
    content = scenario.model_dump()
    for arm, fields in content["design"]["arms"].items():
        for name, value in fields.items():
            if name.startswith("dose_") and value is not None:
                none = [0.0] * len(value) if isinstance(value, tuple) else 0.0
                yield f"design.arms.{arm}.{name}", none
    for name, outcome in content["outcomes"].items():
        if outcome.get("course_by_arm"):
            yield f"outcomes.{name}.course_by_arm", {}
    for name, part in content["operations"].items():
        if isinstance(part, dict) and part.get("arms"):
            yield f"operations.{name}.arms", {}
    planned = content["analysis"]
    said = {PRIMARY: ("analysis", planned)} | {
        name: (f"analysis.secondary.{name}", one)
        for name, one in planned.get("secondary", {}).items()
    }
    for name, plan in scenario.analysis.every.items():
        path, one = said[name]
        if isinstance(plan.test, McpMod) and "test" in one:
            doses = plan.test.doses_of(scenario.design, plan.control)  # those that there were
            yield f"{path}.test", {**one["test"], "doses": doses}

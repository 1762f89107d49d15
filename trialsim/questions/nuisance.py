"""The type I error of a design over what its null hypothesis leaves open.

Without an effect the scores, the drop-out, the sites and the rate of recruitment may still be
others than a study assumes, and a test may hold its level for some of them alone. Each is tried in
turn, on trials of its own; the largest type I error found has a bound that holds for all together
(Food and Drug Administration 2019, Adaptive Designs for Clinical Trials, section VI; Bonferroni).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scipy.special import betaincinv

from trialsim.errors import InputError, RecruitmentError
from trialsim.questions.power import power_by
from trialsim.questions.type_one_error import TypeOneError, at_null, own_seed, without_effect
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.outcomes.courses import Exponential, Interpolated, Proportions
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.programme import Study, differences, single_trial
from trialsim.scenario.protocol.intercurrent import ENDS_OF_INFUSIONS, IntercurrentEvent
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.shown import Shown
from trialsim.streams import derived_seed
from trialsim.trial.trial import Engine, candidates_needed

if TYPE_CHECKING:
    from pandas import DataFrame

SHIFT: Final = 0.5
"""By how many SDs of the latent score the controls' scores are moved."""
TIMES: Final = 2.0
"""By how much odds, counts and rates are made larger or smaller."""
CONFIDENCE: Final = 0.95
AS_ASSUMED: Final = "as assumed"


@dataclass(frozen=True, slots=True, repr=False)
class Nuisance(Shown):
    """The type I error of a study for each set of values that a null hypothesis leaves open."""

    rows: Mapping[str, TypeOneError]
    """By what is otherwise; the first is the study as it assumes."""

    @property
    def first(self) -> TypeOneError:
        """The type I error of the study as it assumes."""
        return self.rows[AS_ASSUMED]

    @property
    def worst(self) -> str:
        """Where the type I error was largest."""
        return max(self.rows, key=lambda name: float(self.rows[name].error.estimate))

    @property
    def bound(self) -> float:
        """Upper end of 95% confidence for the largest type I error of all rows.

        The largest of the rows' exact one-sided limits (Clopper and Pearson 1934, Biometrika
        26:404), each at a confidence that Bonferroni's inequality makes 95% for all together.
        """
        return max(_upper_limit(one, len(self.rows)) for one in self.rows.values())

    @property
    def alpha(self) -> float:
        """The level of the test."""
        return self.first.alpha

    @property
    def verdict(self) -> str:
        """What the rows show of the level."""
        error = self.rows[self.worst].error
        told = (
            f"largest {float(error.estimate):.4f} (Monte Carlo SE {float(error.mcse):.4f}) where "
            f"{self.worst}; with 95% confidence none of the {len(self.rows)} is above "
            f"{self.bound:.4f}"
        )
        above = [name for name, one in self.rows.items() if float(one.error.low) > one.alpha]
        if above:
            return f"above {self.alpha:g} where {'; '.join(above)}: {told}"
        return f"not seen above {self.alpha:g}: {told}"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        first = self.first.result
        return {
            "scenario": first.scenario,
            "replicates": first.replicates,
            "alpha": self.alpha,
            "rows": [{"where": name, **one.to_dict()} for name, one in self.rows.items()],
            "worst": self.worst,
            "simultaneous_bound": self.bound,
            "confidence": CONFIDENCE,
            "verdict": self.verdict,
            "note": SIMULATED,
        }

    def to_frame(self) -> "DataFrame":
        """Return a row for each set of values: its type I error with error and interval."""
        from pandas import concat

        frames = {name: one.to_frame() for name, one in self.rows.items()}
        return concat(frames, names=["where"]).reset_index(level=1, drop=True).reset_index()


def nuisance(
    scenario: Study | str | Path,
    replicates: int = 10_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
) -> Nuisance:
    """Estimate the type I error of a study over what its null hypothesis leaves open.

    Parameters
    ----------
    replicates
        Trials of each set of values; the Monte Carlo error of a rate of 5% is 0.0007 with 100,000.
    seed
        The seed of the question: each set of values has one of its own, which its row tells.

    Raises
    ------
    InputError
        If the study is a programme, or a number is out of range.
    RunError
        If every replicate of a row failed.
    """
    study = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return nuisance_by(runner, nuisance_variants(single_trial(study)), replicates)


def nuisance_by(runner: Runner, variants: Mapping[str, Scenario], replicates: int) -> Nuisance:
    """Return the type I error of each variant as a runner gives it, by trials of its own."""
    base = variants[AS_ASSUMED]
    rows = {}
    seed = own_seed(runner.seed)
    for name, variant in variants.items():
        own = seed if name == AS_ASSUMED else derived_seed(seed, name)
        rests = replace(runner, seed=own)
        null: Study = variant
        if variant.analysis.margin is not None:
            null = at_null(rests, variant, replicates)
        result = power_by(rests, null, replicates)
        changes = {} if variant is base else differences(base, variant)
        rows[name] = TypeOneError(result, variant.analysis.alpha, changes)
    return Nuisance(rows)


def nuisance_variants(scenario: Scenario) -> dict[str, Scenario]:
    """Return the study without effect, and each that is valid with other values.

    A study that tests a margin has the effect as it is; `nuisance_by` brings it to the margin.

    >>> import trialsim as ts
    >>> list(nuisance_variants(ts.load("cars1")))[:3]
    ['as assumed', 'scores half an SD lower', 'scores half an SD higher']
    """
    base = scenario
    if scenario.analysis.margin is None:
        base = single_trial(without_effect(scenario))
    found = {AS_ASSUMED: base}
    for name, changes in _changes(base):
        try:
            variant = base.replace(dict(changes))
            candidates_needed(variant)
        except (InputError, RecruitmentError):
            continue
        if variant != base:
            found[name] = variant
    return found


def _changes(scenario: Scenario) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what is varied: scores, drop-out in all and in one arm, sites, and recruitment."""
    endpoint, operations = scenario.analysis.endpoint, scenario.operations
    for name, direction in (("lower", -1), ("higher", 1)):
        moved = dict(_moved(endpoint, scenario.outcomes[endpoint], direction))
        if moved:
            yield f"scores half an SD {name}", moved
    yield from _who_leaves(scenario)
    sites = len(operations.sites)
    for count in (1, round(TIMES * sites)):
        if count != sites:
            yield f"{count} site{'' if count == 1 else 's'}", {"operations.sites": {"count": count}}
    rate = operations.candidates_per_site_per_month
    for name, factor in (("half", 1 / TIMES), ("twice", TIMES)):
        path = "operations.candidates_per_site_per_month"
        yield f"{name} the candidates a month", {path: rate * factor}


def _who_leaves(scenario: Scenario) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield other risks of leaving; the scores of both arms stay alike whoever leaves."""
    operations, plan = scenario.operations, scenario.analysis
    missed = "visit_missed_probability"
    risks = {
        f"{event}.probability": getattr(operations, event).probability
        for event in ENDS_OF_INFUSIONS
        if getattr(operations, event).probability > 0
    }
    risks[missed] = getattr(operations, missed)
    yield "nobody leaves, dies or misses a visit", {f"operations.{one}": 0.0 for one in risks}
    yield (
        "twice as many leave, die or miss visits",
        {f"operations.{one}": min(TIMES * risk, 1.0) for one, risk in risks.items()},
    )
    leaving = [one.removesuffix(".probability") for one in risks if one != missed]
    for arm in (plan.treated, plan.control):
        yield (
            f"odds of leaving doubled on {in_words(arm)}",
            {
                f"operations.{event}.arms": _with_odds_times(getattr(operations, event), arm)
                for event in leaving
                if event != "death"
            },
        )


def _with_odds_times(event: IntercurrentEvent, arm: str) -> dict[str, Any]:
    """Return how arms change the odds of an event, so many times as large in one of them."""
    odds = {name: risk.model_dump() for name, risk in event.arms.items()}
    own = odds.get(arm, {"odds_ratio": 1.0})
    return {**odds, arm: {**own, "odds_ratio": TIMES * own["odds_ratio"]}}


def _moved(name: str, outcome: Outcome, direction: int) -> Iterator[tuple[str, Any]]:
    """Yield path and value of what moves the scores of everybody; nothing for other courses."""
    course, path = outcome.course, f"outcomes.{name}.course"
    shift = direction * SHIFT
    match course:
        case Exponential():
            yield f"{path}.end_mean", course.end_mean + shift * course.end_sd
        case Interpolated():
            means = zip(course.means, course.sds, strict=True)
            yield f"{path}.means", [mean + shift * sd for mean, sd in means]
        case Proportions():
            yield f"{path}.end", _with_odds(course.end, TIMES**direction)


def _with_odds(shares: tuple[float, ...], ratio: float) -> list[float]:
    """Return shares of a scale whose odds of a score above any cut are so many times larger.

    >>> [round(share, 4) for share in _with_odds((0.5, 0.25, 0.25), 2.0)]
    [0.3333, 0.2667, 0.4]
    """
    above, at_most = [1.0], 0.0
    for share in shares:
        at_most += share
        rest = max(1.0 - at_most, 0.0)
        above.append(ratio * rest / (ratio * rest + at_most) if rest else 0.0)
    return [more - less for more, less in pairwise(above)]


def _upper_limit(row: TypeOneError, of: int) -> float:
    """Return the exact upper limit of a type I error, one of so many that hold together."""
    finished = row.result.replicates - row.result.failed
    rejected = round(float(row.error.estimate) * finished)
    if rejected >= finished:
        return 1.0
    return float(betaincinv(rejected + 1, finished - rejected, 1 - (1 - CONFIDENCE) / of))

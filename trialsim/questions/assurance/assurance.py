"""The probability of success when the effect itself is uncertain: power, averaged over a prior.

The numbers (0, 1) are cut into equal strata. Each stratum draws one number by address, the prior
turns it into one effect, and the stratum's trials are run under that. The mean over strata is
therefore an unbiased estimate for any prior, without interpolation; and since every stratum is
drawn from, hardly any of its error is due to which effects happened to be drawn.

Success is a rejection in favour of the treated. A two-sided test rejects as well where the treated
did worse; those rejections are counted apart.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.questions.assurance.conditional_power import (
    ConditionalPower,
    Line,
    conditional_power,
    fitted_line,
)
from trialsim.questions.assurance.full_exposure import (
    Attenuation,
    at_full_exposure,
    attenuation_of,
    is_of_estimates,
)
from trialsim.questions.assurance.prior import Prior
from trialsim.questions.assurance.prior_files import load_prior
from trialsim.questions.assurance.strata import Strata, StratifiedMean
from trialsim.replicates.checks import MOST_REPLICATES
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED, left_out, of_wrong_direction, summarised
from trialsim.replicates.run import BATCH, joined
from trialsim.runs.runner import Runner, not_enough
from trialsim.runs.study_set import STUDY_BLOCK
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import Quantity
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis
from trialsim.scenario.programme import Study, effect_paths
from trialsim.scenario.validation.problems import as_written
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean, Proportion, logarithms
from trialsim.streams import Streams
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

COMMAND: Final = "assurance"
STRATA: Final = 40
"""Effects drawn from the prior; with 256 trials each they are about 10,000."""
_SURE: Final = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Assurance(Shown):
    """The probability of success over a prior, and power as it depends on the true effect."""

    scenario: str
    digest: str
    prior: Prior
    seed: int
    strata: int
    quantity: Quantity
    """What each trial estimates."""
    success_at_null: float
    """The nominal chance of success where the drug does nothing: alpha, half of it if two-sided."""
    columns: Mapping[str, Floats]
    """One number a trial, in order, NaN if it failed.

    Its true `effect`, `estimate`, `rejected`, and `favoured` if it rejects for the treated.
    """
    failed: int
    conventions: Mapping[str, str]
    seconds: float
    attenuation: Attenuation | None = None
    """By how much the study shrinks effects, where the prior is of published estimates."""
    is_of_estimates: bool = False
    """Whether the prior is of published estimates."""

    @property
    def about_estimates(self) -> str | None:
        """How published estimates were read as effects; None where there are none."""
        if not self.is_of_estimates:
            return None
        if self.attenuation is None:
            return (
                "WARNING: published estimates, of trials as conducted, are taken as effects at "
                "full exposure; this analysis does not estimate them, so they are not translated."
            )
        factor, mcse = self.attenuation
        return (
            "Published estimates are of trials as conducted: their distances from no effect are "
            f"divided by {factor:.3f} (error {mcse:.3f}) to give effects at full exposure."
        )

    @property
    def replicates(self) -> int:
        """Trials in all strata together."""
        return len(self.columns["effect"])

    @property
    def success(self) -> Floats:
        """1 for each trial that rejects in favour of the treated, 0 for others, NaN if failed."""
        return self.columns["favoured"]

    @property
    def successes(self) -> StratifiedMean:
        """The probability of success, and the parts of its Monte Carlo error."""
        return self._strata.mean(self.success, self._success_under)

    @property
    def probability(self) -> float:
        """The probability of success: the mean over strata of the share of successes."""
        return self.successes.estimate

    @property
    def rejections(self) -> Proportion:
        """Share of all trials that reject, in whichever direction."""
        found = self._strata.mean(self.columns["rejected"], self._rejection_under)
        return found.share(self.replicates)

    @property
    def wrong_direction(self) -> Proportion:
        """Share of all trials that reject in favour of the control."""
        found = self._strata.mean(self._wrong, self._failure_under)
        return found.share(self.replicates)

    @property
    def curve(self) -> ConditionalPower:
        """The probability of success conditional on the true effect, at the effects drawn."""
        success = self.success.reshape(self.strata, -1)
        known = np.isfinite(success).sum(axis=1).astype(float)
        effects = self.columns["effect"].reshape(self.strata, -1)[:, 0]
        return conditional_power(effects, np.nansum(success, axis=1), known)

    @property
    def mcse_simulation(self) -> float:
        """What the finite number of trials under each effect leaves of error."""
        return self.successes.of_trials

    @property
    def mcse_draws(self) -> float:
        """What drawing one effect in each stratum leaves of error.

        From the variance inside each stratum of the power that estimates have which are normal
        about a line. In a point mass at no effect it is the nominal one; where nothing else was
        drawn, success is taken as sure there.
        """
        return self.successes.of_draws

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the probability of success, of both causes together."""
        return self.successes.mcse

    @property
    def ci(self) -> tuple[float, float]:
        """The 95% interval of the probability, for its Monte Carlo error alone (Wilson)."""
        share = self.successes.share(self.replicates)
        return float(share.low), float(share.high)

    @property
    def power_sd(self) -> float:
        """SD over the prior of the power conditional on the effect: what is not known of it.

        The variance of the strata, less what their trials leave in it, and the variance of their
        mean, which is the mean over the prior but for that. It is at most p (1 - p) for a
        probability of success p. More trials do not make it smaller; knowing the effect better
        would. NaN where all trials but those of one effect failed.
        """
        shares = self._by_stratum(self.success)
        if np.isfinite(shares).sum() < 2:
            return math.nan
        noise = self.mcse_simulation**2 * self.strata
        variance = float(np.nanvar(shares)) - noise + self.mcse**2
        return math.sqrt(min(max(variance, 0.0), self.probability * (1 - self.probability)))

    @property
    def without_logarithm(self) -> int:
        """Trials whose ratio is 0 or infinite: they have no part in the mean estimate."""
        return left_out(self.columns["estimate"], self.quantity)

    @property
    def is_harmful(self) -> bool:
        """Whether more trials reject in favour of the control than of the treated."""
        return bool(self.wrong_direction.low > self.ci[1])

    @property
    def predicted(self) -> Mean:
        """The trial's estimate as the prior predicts it: uncertain effect and chance together.

        A ratio is averaged by its logarithm.
        """
        values, line = self._on_scale(self.columns["estimate"]), self._line
        found = self._strata.mean(values, line.at)
        mean = Mean(*map(np.asarray, (found.estimate, found.mcse, np.nanstd(values, ddof=1))))
        if not self.quantity.is_ratio:
            return mean
        ratio = np.exp(mean.estimate)
        return Mean(ratio, ratio * mean.mcse, ratio * mean.sd)

    def prediction_interval(self, share: float = 0.95) -> tuple[float, float]:
        """Return the central interval that holds a share of predicted estimates.

        An end that lies among infinite ratios, or next to one, is infinite.
        """
        estimates, shares = self.columns["estimate"], [(1 - share) / 2, (1 + share) / 2]
        below, above = (
            np.nanquantile(estimates, shares, method="lower"),
            np.nanquantile(estimates, shares, method="higher"),
        )
        with np.errstate(invalid="ignore"):  # no number lies between two infinite ones
            between = np.nanquantile(estimates, shares)
        ends = np.where(below == above, below, np.where(np.isinf(above), above, between))
        return float(ends[0]), float(ends[1])

    def share_at_most(self, observed: float) -> Proportion:
        """Return the share of predicted estimates that are no larger than an observed one.

        How much of it moves with the effect is taken from estimates that are normal about a line.

        Would CARS-1 alone have predicted CARS-2? Its estimate, 0.53 if both trials weigh alike in
        the pooled result, lies far in the lower tail of what 240 patients would have shown:

        >>> import trialsim as ts
        >>> next_trial = ts.load("cars1").replace({"design.patients": 240})
        >>> predicted = ts.assurance(next_trial, "cars1", replicates=640, n_jobs=1)
        >>> bool(predicted.share_at_most(0.53).estimate < 0.01)
        True
        """
        if math.isnan(observed):
            raise InputError([Problem("observed", "must be a number", str(observed))])
        estimates = self.columns["estimate"]
        at_most = np.where(np.isnan(estimates), np.nan, estimates <= observed)
        place = float(np.nan_to_num(self._on_scale(np.asarray(observed)), nan=-np.inf))
        return self._strata.mean(at_most, self._below(place)).share(self.replicates)

    @property
    def frame(self) -> "DataFrame":
        """A row for each effect drawn: effect, trials, power, mcse, and the smoothed power."""
        from pandas import DataFrame

        return DataFrame(self.curve._asdict())

    def to_frame(self) -> "DataFrame":
        """Return `frame`, as other results do."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        low, high = self.prediction_interval()
        predicted, rejections = self.predicted, self.rejections
        about = ("seed", "replicates", "strata", "failed", "without_logarithm")
        success = ("probability", "mcse", "mcse_simulation", "mcse_draws")
        return {
            "scenario": self.scenario,
            "digest": self.digest,
            "prior": self.prior.model_dump(mode="json"),
            "attenuation": self.attenuation and self.attenuation._asdict(),
            **{name: getattr(self, name) for name in (*about, *success)},
            "ci": list(self.ci),
            "power_sd": self.power_sd,
            **of_wrong_direction(self.wrong_direction),
            "rejection": float(rejections.estimate),
            "rejection_mcse": float(rejections.mcse),
            "estimate": {
                "mean": float(predicted.estimate),
                "mcse": float(predicted.mcse),
                "sd": float(predicted.sd),
                "quantile_2.5": low,
                "quantile_97.5": high,
            },
            "curve": self.frame.to_dict("records"),
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }

    def _by_stratum(self, values: Floats) -> Floats:
        """Return the mean over the trials of each stratum; NaN where all failed."""
        rows = values.reshape(self.strata, -1)
        known = np.isfinite(rows).sum(axis=1)
        means: Floats = np.nansum(rows, axis=1) / np.where(known > 0, known, np.nan)
        return means

    @property
    def _strata(self) -> Strata:
        return Strata(self.prior, self.strata)

    @property
    def _wrong(self) -> Floats:
        return self.columns["rejected"] - self.columns["favoured"]

    def _on_scale(self, estimates: Floats) -> Floats:
        return logarithms(estimates) if self.quantity.is_ratio else estimates

    @property
    def _line(self) -> Line:
        """How the estimate rises with the effect."""
        return fitted_line(self.columns["effect"], self._on_scale(self.columns["estimate"]))

    def _success_under(self, effects: Floats) -> Floats:
        """Return how often a trial succeeds: when its estimate is high, as `_below` has it.

        In a point mass at no effect it is the nominal chance; where of all else nothing was drawn,
        success is taken as sure there.
        """
        at_null = self._strata.is_point_mass(effects) & ~np.isnan(self.success_at_null)
        powers = 1 - self._below(self._low_share(1 - self.success))(effects)
        if at_null.any() and self._strata.is_point_mass(self.columns["effect"]).all():
            powers = np.full(effects.shape, _SURE)
        return np.where(at_null, self.success_at_null, powers)

    def _below(self, place: float) -> Callable[[Floats], Floats]:
        """Return how often, under effects, an estimate lies below a place, on its scale."""
        line = self._line

        def share(effects: Floats) -> Floats:
            below: Floats = scipy.special.ndtr((place - line.at(effects)) / line.sd)
            return below

        return share

    def _failure_under(self, effects: Floats) -> Floats:
        """Return how often a trial rejects in favour of the control: when its estimate is low."""
        return self._below(self._low_share(self._wrong))(effects)

    def _rejection_under(self, effects: Floats) -> Floats:
        return self._success_under(effects) + self._failure_under(effects)

    def _low_share(self, happened: Floats) -> float:
        """Return the place below which lie as many of the estimates as something happened in."""
        values, share = self._on_scale(self.columns["estimate"]), float(np.nanmean(happened))
        return float(np.nanquantile(values, share)) if share > 0 else -math.inf


def assurance(
    scenario: Study | str | Path,
    prior: Prior | str | Path,
    replicates: int = 256 * STRATA,
    seed: int = 2016,
    strata: int = STRATA,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> Assurance:
    """Return the probability that a trial succeeds when its effect is drawn from a prior.

    Parameters
    ----------
    prior
        Of the effect at full exposure on the scenario's primary outcome: a prior, the name of one
        that comes with the package, or a file. Published estimates in it are of trials as
        conducted, and are translated. All trials of a programme share the effect drawn.
    replicates
        Trials in all; as many in every stratum, rounded up.
    strata
        Effects drawn from the prior.
    out
        A directory that keeps what is run, from which the same call continues.
    scheduler
        The address of a Dask scheduler, on whose workers to run instead.

    Raises
    ------
    InputError
        With everything that is wrong with the request, before anything runs: a prior that cannot
        be read, or effects that the scenario's scale cannot have.
    RunError
        If recruitment can never finish, or every trial failed.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return assurance_by(runner, scenario, prior, replicates, strata, out)


def assurance_by(
    runner: Runner,
    scenario: Study,
    prior: Prior | str | Path,
    replicates: int,
    strata: int,
    out: str | Path | None = None,
) -> Assurance:
    """Return the assurance of a study as a runner gives it, as `assurance` does."""
    wrong = [*_wrong_counts(replicates, strata), *runner.problems()]
    try:
        stated = prior if isinstance(prior, Prior) else load_prior(prior)
    except InputError as error:
        wrong += error.problems
    if wrong:
        raise InputError(wrong)
    studies = _studies_under(scenario, stated, strata, runner.seed)
    runner.check(scenario)
    runner.note_if_slow(scenario)
    inputs = {"prior": stated.model_dump(mode="json"), "strata": strata}
    of_estimates = is_of_estimates(stated)
    shrunk = attenuation_of(runner, scenario, stated) if of_estimates else None
    translated = stated if shrunk is None else at_full_exposure(stated, shrunk.factor)
    if shrunk is not None:
        studies = _studies_under(scenario, translated, strata, runner.seed)
    runner = runner.keeping(out, scenario, COMMAND, inputs)
    with runner.logged():
        result = _assured(runner, scenario, translated, studies, -(-replicates // strata))
        result = replace(result, attenuation=shrunk, is_of_estimates=of_estimates)
        runner.write_summary(result)
    return result


def _assured(
    runner: Runner, scenario: Study, prior: Prior, studies: Sequence[Study], each: int
) -> Assurance:
    """Run the scenarios, one a stratum, each so many times."""
    began, strata = time.perf_counter(), len(studies)
    work = [
        (study, own)
        for stratum, study in enumerate(studies)
        for own in _of_stratum(stratum, strata, each)
    ]
    done = joined(runner.run_each(work))
    whole = summarised(scenario, runner.seed, runner.engine, done, 0.0)  # refuses if all failed
    kept = {name: whole.columns[name] for name in ("estimate", "rejected", "favoured")}
    return Assurance(
        scenario=scenario.name,
        digest=scenario.digest,
        prior=prior,
        seed=runner.seed,
        strata=strata,
        quantity=scenario.analysis.quantity,
        success_at_null=_nominal(scenario.analysis),
        columns={"effect": drawn_effects(prior, strata, runner.seed).repeat(each), **kept},
        failed=whole.failed,
        conventions={"success": _SUCCESS, **whole.conventions},
        seconds=time.perf_counter() - began,
    )


_MOST_STRATA: Final = 10_000
"""Each has a study of its own."""
_SUCCESS: Final = "A trial succeeds when it rejects in favour of the treated."


def drawn_effects(prior: Prior, strata: int, seed: int) -> Floats:
    """Return one effect from each stratum of a prior, shape (strata,).

    >>> from trialsim.questions.assurance.prior import normal_prior
    >>> drawn_effects(normal_prior(0.6, 0.05), 4, seed=1).round(3).tolist()
    [0.557, 0.583, 0.626, 0.651]
    """
    u = Streams(seed, range(strata)).uniform("prior effect", 1)[:, 0]
    return prior.at((np.arange(strata) + u) / strata)


def _nominal(plan: AnalysisPlan | PooledAnalysis) -> float:
    """Return the chance with which a test rejects in favour of a drug that does nothing.

    NaN where a margin is tested, of which that is not known.
    """
    if isinstance(plan, AnalysisPlan) and plan.margin is not None:
        return float("nan")
    shares = {"two-sided": plan.alpha / 2, "greater": plan.alpha, "less": 0.0}
    return shares[plan.alternative]


def _of_stratum(stratum: int, strata: int, each: int) -> Iterator[range]:
    """Yield the replicates of a stratum: every so many blocks one, so that more only add.

    >>> list(_of_stratum(3, 40, 300))
    [range(768, 1024), range(11008, 11052)]
    """
    for turn, done in enumerate(range(0, each, STUDY_BLOCK)):
        start = (turn * strata + stratum) * STUDY_BLOCK
        yield range(start, start + min(STUDY_BLOCK, each - done))


def _wrong_counts(replicates: int, strata: int) -> list[Problem]:
    found = list(not_enough("replicates", replicates))
    if replicates > MOST_REPLICATES:
        found.append(Problem("replicates", f"must be at most {MOST_REPLICATES:,}", str(replicates)))
    if strata > _MOST_STRATA:
        found.append(Problem("strata", f"must be at most {_MOST_STRATA:,}", str(strata)))
    if strata < 2:
        found.append(Problem("strata", "must be at least 2", str(strata)))
    elif replicates < 2 * strata:
        rule = f"must be at least two for each of {strata} strata"
        found.append(Problem("replicates", rule, str(replicates)))
    return found


def _studies_under(scenario: Study, prior: Prior, strata: int, seed: int) -> list[Study]:
    """Return the study under each effect drawn; all impossible effects are reported at once."""
    paths = effect_paths(scenario)
    studies: list[Study] = []
    problems: list[Problem] = []
    for effect in drawn_effects(prior, strata, seed).tolist():
        try:
            anchors = {f"{path}.anchor": prior.anchor for path in paths}
            changed = anchors | {f"{path}.value": effect for path in paths}
            studies.append(scenario.replace(changed))
        except InputError as error:
            problems += error.problems
    if problems:
        rule = "must not give effects that the outcome cannot have; give its parts low and high"
        raise InputError([Problem("prior", rule, as_written(prior.title)), *problems])
    return studies

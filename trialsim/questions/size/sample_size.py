"""How many patients give a power, or which value of any other number: an interval, confirmed.

For patients, a closed form of an ideal study says where to start. The search runs every candidate
on the same replicates: between two values whose powers lie on either side of the target it closes
in on the crossing, and there a line through the probits of a few powers gives the value and its
Monte Carlo interval. The recommended value is then run again on replicates that the search has not
seen, and a closed form of the study as conducted stands beside it.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.questions.count_power import COHORT, ClosedForm, patients_by_cells
from trialsim.questions.normal_sum import patients_by_normal_sum
from trialsim.questions.size.crossing import BLOCKS, Crossing, probit
from trialsim.questions.size.path_search import PILOT, Axis, Ends, bracket, search
from trialsim.questions.size.power_curve import Candidate, PowerCurve
from trialsim.questions.size.resizing import PATIENTS, moving_along, with_value
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import SIMULATED, conventions_of, of_wrong_direction
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.outcomes.effects import control_cells, treated_cells
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.programme import SIZE, Programme, Study, single_trial, trials_of, value_at
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import path_in_words
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Mean, Proportion, logarithms, mean_over_replicates
from trialsim.stats.planning.sample_size import happ
from trialsim.streams import confirmation_seed
from trialsim.trial.trial import Engine

if TYPE_CHECKING:
    from pandas import DataFrame

COMMAND: Final = "size"
_FARTHEST: Final = 16
"""Times the closed form at which the search for more patients ends."""
_COHORT: Final = 2 * COHORT
"""Trials simulated at most for the closed form."""
_PROBE: Final = 256
"""Trials of the study as it is from which the patients are guessed where there is a subgroup."""
_SEEN: Final = 3.0
"""Monte Carlo errors from none at which their effect is taken for one."""
_MOST_STEPS: Final = 8
"""Values that are confirmed at most."""
_DIGITS: Final = 4
"""Significant digits of a recommended value that is not a whole number."""


@dataclass(frozen=True, slots=True, repr=False)
class SampleSize(Shown):
    """The value of a path that gives a power, as far as the replicates show."""

    scenario: str
    digest: str
    path: str
    label: str
    """What stands at the path, in words."""
    target: float
    """The target power."""
    estimate: float
    """Where the fitted power curve crosses the target."""
    low: float
    high: float
    """The 95% interval of that crossing for the replicates' Monte Carlo error alone."""
    value: float
    """Recommended: the estimate rounded to the side of more power, patients to whole blocks.

    Moved on to where the confirmed power reaches the target, if it does not there.
    """
    moved: Mapping[str, float]
    """What stands at other paths with the recommended value, by path: limits of a size set again.

    They keep their proportion to the patients.
    """
    confirmation: Proportion
    """The power at the recommended value on replicates that the search has not seen."""
    wrong_direction: Proportion
    """On the same replicates, those that reject in favour of the control."""
    replicates: int
    failed: int
    """Replicates of the confirmation that could not be finished; its power leaves them out."""
    reached_limit: int
    """Replicates of the confirmation whose recruitment lasted until its limit."""
    seed: int
    confirmation_seed: int
    candidates: tuple[Candidate, ...]
    closed_form: ClosedForm | None
    """Patients in the study as conducted and analysed where a formula applies: of Happ et al.
    (2019) for a Mann-Whitney test, the normal sum for Wei and Lachin's."""
    conventions: Mapping[str, str]
    seconds: float

    @property
    def power(self) -> float:
        """The confirmed power at the recommended value."""
        return float(self.confirmation.estimate)

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error of the confirmed power."""
        return float(self.confirmation.mcse)

    @property
    def ci(self) -> tuple[float, float]:
        """Wilson's 95% interval of the confirmed power."""
        return float(self.confirmation.low), float(self.confirmation.high)

    @property
    def is_confirmed(self) -> bool:
        """Whether the confirmed power reaches the target."""
        return self.power >= self.target

    @property
    def is_harmful(self) -> bool:
        """Whether more trials reject in favour of the control than of the treated."""
        return bool(self.wrong_direction.low > self.confirmation.high)

    @property
    def verdict(self) -> str:
        """Whether the recommended value gives the power, in one sentence."""
        low, high = self.ci
        told = f"{self.power:.4f} (95% {low:.4f} to {high:.4f})"
        name = self.label
        value = f"{self.value:g} {name}" if name == "patients" else f"{name} {self.value:g}"
        if not self.is_confirmed:
            return (
                f"NOT CONFIRMED: {value}. Power {told}, below the target {self.target:g}; no "
                "further value was possible."
            )
        sure = "" if low >= self.target else ", reached within Monte Carlo error"
        limited = (
            f"; in {self.reached_limit:,} of {self.replicates:,} trials recruitment lasted until "
            "its limit, most with fewer patients"
            if self.reached_limit
            else ""
        )
        return (
            f"Recommended: {value}. Confirmed power {told}, target {self.target:g}{sure}{limited}."
        )

    @property
    def meaning(self) -> str:
        """What the interval says, and what it does not."""
        return (
            f"95% interval of the value of {self.label} at which the power is {self.target:g}, for "
            f"the Monte Carlo error of {self.replicates:,} replicates alone (jackknife over "
            f"{BLOCKS} blocks of replicates); it says nothing of whether the scenario is right"
        )

    @property
    def frame(self) -> "DataFrame":
        """A row for each candidate: value, power, mcse, replicates, failed and seconds."""
        from pandas import DataFrame

        return DataFrame(self.candidates)

    def to_frame(self) -> "DataFrame":
        """Return `frame`, as other results do."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        found = ("scenario", "digest", "path", "target", "estimate", "low", "high", "value")
        confirmed = ("is_confirmed", "verdict", "power", "mcse")
        about = ("meaning", "replicates", "failed", "reached_limit", "seed", "confirmation_seed")
        return {
            **{name: getattr(self, name) for name in found},
            "moved": dict(self.moved),
            **{name: getattr(self, name) for name in confirmed},
            "ci": list(self.ci),
            **of_wrong_direction(self.wrong_direction),
            **{name: getattr(self, name) for name in about},
            "closed_form": self.closed_form and self.closed_form._asdict(),
            "candidates": [candidate._asdict() for candidate in self.candidates],
            "conventions": dict(self.conventions),
            "note": SIMULATED,
            "seconds": self.seconds,
        }


def sample_size(
    scenario: Study | str | Path,
    power: float = 0.90,
    path: str | None = None,
    low: float | None = None,
    high: float | None = None,
    replicates: int = 10_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> SampleSize:
    """Find the patients, or the value of any number that moves the power one way, for a power.

    Parameters
    ----------
    path
        A number of the study: an effect's value, a probability of withdrawal ... If left out, the
        patients of a trial, or the `size_percent` of a programme.
    low, high
        Where to search; may be left out for patients, whom a closed form finds, and for the size
        of a programme.
    replicates
        Of each candidate of the final fit, and of the confirmation; the candidates on the way to it
        have 1,000.
    out
        A directory that keeps what is run, from which the same call continues.
    scheduler
        The address of a Dask scheduler, on whose workers to run instead.

    Raises
    ------
    InputError
        With everything that is wrong with the request, before anything runs.
    RunError
        If the path does not move the power, or the power is out of reach; the range that was
        reached is reported.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return size_by(runner, scenario, Sought(power, path, low, high, replicates), out)


class Sought(NamedTuple):
    """The power to reach, the path to reach it along, and how many replicates to see it by."""

    power: float = 0.90
    path: str | None = None
    low: float | None = None
    high: float | None = None
    replicates: int = 10_000


def size_by(
    runner: Runner, scenario: Study, sought: Sought, out: str | Path | None = None
) -> SampleSize:
    """Find what is sought by a runner, as `sample_size` does."""
    path = sought.path or size_path(scenario)
    low, high = (_like(value_at(scenario, path), end) for end in (sought.low, sought.high))
    sought = sought._replace(path=path, low=low, high=high)
    problems = [*_problems(scenario, path, sought), *runner.problems()]
    if problems:
        raise InputError(problems)
    runner.check(scenario)
    runner.note_if_slow(scenario)
    inputs = {"power": sought.power, "path": path, "low": low, "high": high}
    runner = runner.keeping(out, scenario, COMMAND, inputs)
    with runner.logged():
        result = _found(runner, scenario, path, sought)
        runner.write_summary(result)
    return result


def _found(runner: Runner, scenario: Study, path: str, sought: Sought) -> SampleSize:
    """Search along the curve, and confirm what is found on other replicates."""
    began, power, replicates = time.perf_counter(), sought.power, sought.replicates
    curve = PowerCurve(scenario, path, runner)
    axis = Axis(path, isinstance(value_at(scenario, path), int), path == size_path(scenario))
    ends, within = _ends(curve, runner, sought)
    found = search(curve, axis, ends, within, power, replicates)
    exact = axis.exactly(found.place)
    bounds = [min(max(axis.exactly(end), within.low), within.high) for end in found.interval()]
    fresh = replace(runner, seed=confirmation_seed(runner.seed))
    confirming = PowerCurve(scenario, path, fresh)
    value = _confirmed(confirming, axis, found, sought)
    return SampleSize(
        scenario=scenario.name,
        digest=scenario.digest,
        path=path,
        label=path_in_words(path, scenario),
        target=power,
        estimate=exact,
        low=math.floor(bounds[0]) if axis.whole else bounds[0],
        high=math.ceil(bounds[1]) if axis.whole else bounds[1],
        value=value,
        moved=moving_along(scenario, path, value),
        confirmation=confirming.power(value, replicates),
        wrong_direction=confirming.wrong_direction(value, replicates),
        replicates=replicates,
        failed=len(confirming.failures(value, replicates)),
        reached_limit=confirming.reached_limit(value, replicates),
        seed=runner.seed,
        confirmation_seed=fresh.seed,
        candidates=curve.candidates(),
        closed_form=_closed_form(scenario, path, value, sought, runner.seed),
        conventions=conventions_of(scenario),
        seconds=time.perf_counter() - began,
    )


def size_path(study: Study) -> str:
    """Return the path of the number that makes a study larger.

    >>> import trialsim as ts
    >>> size_path(ts.load("cars1")), size_path(ts.load("cars_pooled"))
    ('design.patients', 'size_percent')
    """
    return SIZE if isinstance(study, Programme) else PATIENTS


def _problems(scenario: Study, path: str, sought: Sought) -> Iterator[Problem]:
    """Yield everything that is wrong with a request."""
    alpha, power, low, high = scenario.analysis.alpha, sought.power, sought.low, sought.high
    if not alpha < power < 1:
        yield Problem("power", f"must lie between alpha, {alpha:g}, and 1", f"{power:g}")
    if sought.replicates < 2 * BLOCKS:
        yield Problem("replicates", f"must be at least {2 * BLOCKS}", str(sought.replicates))
    if low is not None and high is not None and not low < high:
        yield Problem("high", f"must be above low, {low:g}", f"{high:g}")
    wrong = list(_not_a_number(scenario, path))
    if wrong:
        yield from wrong
        return
    grows = path == size_path(scenario)
    if scenario.analysis.alternative == "less":
        rule = "must not be less: a power counts rejections in favour of the treated"
        yield Problem("analysis.alternative", rule, "less")
    if not grows and (low is None or high is None):
        yield Problem(path, "must be searched between low and high, both given")
    for end in (low, high):
        if end is not None:
            yield from _refused(scenario, path, end)


def _not_a_number(scenario: Study, path: str) -> Iterator[Problem]:
    """Yield why a path cannot be searched along: it does not exist, or holds no number."""
    current = value_at(scenario, path)
    unknown = list(_refused(scenario, path, current))
    yield from unknown
    if not unknown and (isinstance(current, bool) or not isinstance(current, int | float)):
        yield Problem(path, "must be a number to search along")


def _refused(scenario: Study, path: str, value: Any) -> Iterator[Problem]:
    try:
        with_value(scenario, path, value)
    except InputError as error:
        yield from error.problems


def _ends(curve: PowerCurve, runner: Runner, sought: Sought) -> tuple[Ends, Ends]:
    """Return where to begin the search, and how far it may go.

    Both as given, or for patients as far as needed from a first guess, and as far as is possible.
    """
    low, high, power = sought.low, sought.high, sought.power
    if low is not None and high is not None:
        return Ends(low, high), Ends(low, high)
    scenario = curve.scenario
    start = _start(scenario, power, runner)
    least = _least_patients(scenario) if low is None else low
    most = min(_most_patients(scenario), math.ceil(_FARTHEST * start)) if high is None else high
    within, pilot = Ends(least, max(most, least + 1)), min(PILOT, sought.replicates)
    return bracket(curve, start, within, power, pilot), within


def _most_patients(study: Study) -> int:
    """Return the most patients that may be tried."""
    trials = trials_of(study).values()
    return min(one.design.most_patients(one.treatment.infusions.count) for one in trials)


def _least_patients(study: Study) -> int:
    """Return the fewest patients that may be tried: one an arm, and more than a look waits for."""
    least = max(len(trial.design.arms) for trial in trials_of(study).values())
    if not isinstance(study, Scenario) or study.monitoring is None:
        return least
    waits = (look.when.known_patients or 0 for look in study.monitoring.looks.values())
    return max(least, max(waits) + 1)


def _start(study: Study, power: float, runner: Runner) -> float:
    """Return where the search for a larger study begins.

    A closed form knows neither subgroups nor several outcomes, nor deaths and courses that differ:
    there a few trials of the study as it is say how many standard errors its effect is from none,
    which grow with the root of its patients.

    Raises
    ------
    InputError
        If neither shows an effect in favour of the treated.
    """
    if isinstance(study, Programme):
        return 100.0
    plan = study.analysis
    guess = closed_form_patients(study, power) if plan.margin is None else math.inf
    if plan.subgroup is None and math.isfinite(guess):
        return guess
    found = replace(runner, directory=None).run(study, range(_PROBE)).columns["estimate"]
    away = _beyond(plan, found)
    if not away.estimate > _SEEN * away.mcse:
        if math.isfinite(guess):
            return guess
        wanted = (
            "compare arms of which the treated do better"
            if plan.margin is None
            else f"have an effect that a claim of {plan.claim} is true of"
        )
        rule = f"must {wanted}: no number of patients suffices, as far as {_PROBE} trials show"
        raise InputError([Problem("analysis", rule)])
    errors = scipy.special.ndtri(power) - scipy.special.ndtri(plan.alpha / plan.sides)
    return float(study.design.patients * (errors * away.sd / away.estimate) ** 2)


def _beyond(plan: AnalysisPlan, estimates: Floats) -> Mean:
    """Return how far estimates lie beyond the nearest value that is to be rejected."""
    borders = [(plan.quantity.null if plan.margin is None else plan.margin, 1)]
    if plan.upper_margin is not None:
        borders.append((plan.upper_margin, -1))
    ratio = plan.quantity.is_ratio
    values = logarithms(estimates) if ratio else estimates
    away = [
        mean_over_replicates(sign * (values - (math.log(border) if ratio else border)))
        for border, sign in borders
    ]
    return min(away, key=lambda one: float(one.estimate))


def _closed_form(
    scenario: Study, path: str, value: float, sought: Sought, seed: int
) -> ClosedForm | None:
    """Return what the formula says of the study at the recommended patients.

    It is of the primary analysis by itself, and so of no other success.
    """
    if path != PATIENTS or not isinstance(scenario, Scenario):
        return None
    if scenario.analysis.needs_every_analysis:
        return None
    cohort = min(sought.replicates, _COHORT)
    study = single_trial(with_value(scenario, path, value))
    by_sum = patients_by_normal_sum(study, sought.power, seed=seed)
    return by_sum or patients_by_cells(study, sought.power, cohort, seed)


def closed_form_patients(scenario: Scenario, power: float) -> float:
    """Return the patients that a rank test needs in reference patients at full exposure.

    The formula is that of Happ, Bathke and Brunner, see `happ`; arms that are not compared
    are counted too. Infinite where the outcome has no effect.

    >>> import trialsim as ts
    >>> round(closed_form_patients(ts.load("cars1"), 0.9))
    62
    """
    plan, arms = scenario.analysis, scenario.design.arms
    outcome = scenario.outcomes[plan.endpoint]
    treated, control = arms[plan.treated].ratio, arms[plan.control].ratio
    cells = treated_cells(outcome), control_cells(outcome)
    planned = happ(*cells, treated / (treated + control))
    return (
        float(planned.patients(power, plan.alpha, plan.sides))
        * sum(scenario.design.ratios)
        / (treated + control)
    )


def _confirmed(curve: PowerCurve, axis: Axis, found: Crossing, sought: Sought) -> float:
    """Return the first value from the crossing on whose power reaches the target on fresh trials.

    Where it falls short, the next is as far as the slope of the curve says, and one step at least;
    after some such steps, or at the end of what may be searched, the last value stands.
    """
    scenario, rising, replicates = curve.scenario, found.slope > 0, sought.replicates
    value = _recommended(scenario, axis, axis.exactly(found.place), rising)
    goal = float(scipy.special.ndtri(sought.power))
    for _ in range(_MOST_STEPS):
        power = float(curve.power(value, replicates).estimate)
        if power >= sought.power:
            break
        short = goal - float(probit(np.array(power * replicates), np.array(float(replicates))))
        place = axis.place(value) + short / found.slope
        further = _recommended(scenario, axis, axis.exactly(place), rising)
        if axis.whole and further == value:
            further = value + (1 if rising else -1)
        low, high = (end if end is not None else further for end in (sought.low, sought.high))
        beyond = not low <= further <= high
        if further == value or beyond or any(_refused(scenario, axis.path, further)):
            break
        value = further
    return value


def _recommended(scenario: Study, axis: Axis, exact: float, rising: bool) -> float:
    """Return a value rounded to the side of more power."""
    towards = math.ceil if rising else math.floor
    if isinstance(scenario, Scenario) and axis.path == PATIENTS:
        block = min(scenario.design.blocks, default=sum(scenario.design.ratios))
        return block * math.ceil(exact / block)
    if axis.whole or exact == 0:
        return towards(exact)
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(exact)))
    return round(towards(exact * 10.0**decimals) / 10.0**decimals, max(decimals, 0))


def _like(current: Any, value: float | None) -> float | None:
    """Return a whole value as an integer where the scenario has one."""
    whole = isinstance(current, int) and value is not None and float(value).is_integer()
    return int(value) if whole and value is not None else value

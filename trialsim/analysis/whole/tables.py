"""A study as C takes it: every table that its whole trials are looked up in, made once."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar, cast

import numpy as np

from trialsim.analysis.endpoint import cells_of
from trialsim.analysis.whole.covered import (
    EVENTS,
    covariates_drawn,
    measurements,
    outcomes_made,
)
from trialsim.arrays import Booleans, Floats
from trialsim.clock import DAY, FARTHEST, HOUR, MONTH
from trialsim.compiled import whole
from trialsim.compiled.whole import Keeper, Kind, Missing, Source
from trialsim.curves import PART_DONE, part_done
from trialsim.distributions import Gamma, Normal, Uniform
from trialsim.quantiles import Smooth, Steps, quantiles, standard_normal, waits
from trialsim.scenario.outcomes.bounds import Bound
from trialsim.scenario.outcomes.courses import Course, Exponential, Proportions
from trialsim.scenario.outcomes.effects import latent_shift
from trialsim.scenario.outcomes.exposure import Exposure
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.outcomes.received import Received
from trialsim.scenario.outcomes.scales import CutGuide, guide_to_cuts
from trialsim.scenario.scenario import Scenario
from trialsim.streams import BelowShare, key_of
from trialsim.trial.cohort import Screen, covariate_purpose, screens
from trialsim.trial.itinerary import days_until_given
from trialsim.trial.patient_scores import weights_of_outcomes
from trialsim.trial.trial import candidates_needed

_PURPOSES: Final = {
    Source.WAIT: "arrival",
    Source.SITE: "site",
    Source.SCREENING: "screening",
    Source.TENDENCY: "refusal tendency",
    Source.DISCONTINUATION: "discontinuation",
    Source.WITHDRAWAL: "withdrawal",
    Source.DEATH: "death",
    Source.MARK: "allocation",
}
_MISSING: Final = {
    "complete_case": Missing.LEAVE_OUT,
    "locf": Missing.LAST,
    "bocf": Missing.BASELINE,
    "worst_rank": Missing.WORST_RANK,
}


@dataclass(frozen=True, eq=False)
class Tables:
    """A study in C, and what has to live as long as it does."""

    study: whole.Study
    kept: Keeper


@lru_cache(256)
def tables_of(scenario: Scenario) -> Tables:
    """Return the tables of a study that is covered."""
    return _Making(scenario).made()


class _Making:
    """The tables of one study as they are made."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.kept = scenario, Keeper()
        self.sources = [(purpose, 0) for purpose in _PURPOSES.values()]
        self.again: set[int] = set()
        """Sources that are looked at more than once, or together with others."""
        self.traits: list[int] = []
        """Sources of what prognoses are the sums of."""

    def made(self) -> Tables:
        scenario, study = self.scenario, whole.Study()
        self._fill_recruitment(study)
        self._fill_conduct(study)
        shared = _shared(scenario)
        self._fill_shared(study, shared)
        self._fill_measurements(study, shared)
        study.plan = self._plan()
        names = covariates_drawn(scenario)
        covariates = {name: self._covariate(name) for name in names}
        study.covariate = self.kept.structures(whole.Covariate, list(covariates.values()))
        study.onset = covariates[scenario.operations.onset_to_arrival_hours]
        judged = [screen.rule.covariate for screen in screens(scenario)]
        for name, looks in Counter([*judged, scenario.operations.onset_to_arrival_hours]).items():
            if looks > 1:
                self._covariate(name)  # which keeps its words
        rules = [self._rule(screen, names) for screen in screens(scenario)]
        study.rules, study.rule = len(rules), self.kept.structures(whole.Rule, rules)
        study.sources = len(self.sources)
        study.purpose = self.kept.array([key_of(one) for one, _ in self.sources], np.uint64)
        study.draw = self.kept.array([draw for _, draw in self.sources], np.uint64)
        rows = {source: row for row, source in enumerate(sorted(self.again), start=1)}
        study.rows = len(rows) + 1
        study.row_of = self.kept.array([rows.get(one, 0) for one in range(study.sources)], np.int64)
        return Tables(study, self.kept)

    def _fill_recruitment(self, study: whole.Study) -> None:
        operations, design = self.scenario.operations, self.scenario.design
        opened = [site.activation_day * DAY for site in operations.sites.values()]
        variation = operations.site_rate_coefficient_of_variation
        window = operations.first_infusion_after_onset
        study.patients, study.sites, study.arms = design.patients, len(opened), len(design.arms)
        study.block_size = design.block_size
        study.at_first = max(design.patients, candidates_needed(self.scenario) * 3 // 4)
        study.strata = len(opened) if design.stratify_by == "site" else 1
        study.arm_counts = self.kept.array(
            [design.block_size // sum(design.ratios) * ratio for ratio in design.ratios], np.int64
        )
        study.rate = operations.candidates_per_site_per_month / MONTH
        study.rates_vary = variation > 0
        if variation > 0:
            gamma = Gamma(distribution="gamma", mean=1, coefficient_of_variation=variation)
            study.rate_of_site = self._drawn(quantiles(gamma))
        study.rate_purpose = key_of("site rate")
        study.wait_pieces = self._pieces(waits().curve.by_piece)
        study.normal = self._pieces(standard_normal().by_piece)
        study.opened, study.first_opening = self.kept.array(opened, np.float64), min(opened)
        study.farthest, study.last_arrival = FARTHEST, operations.last_arrival
        study.earliest = round(window.earliest_hours * HOUR)
        study.latest = round(window.latest_hours * HOUR)
        study.opens, study.closes = operations.opens, operations.closes
        days = days_until_given(self.scenario.treatment.infusions)
        if days.any():
            study.days_until_given = self.kept.array(days, np.int64)
        study.screening = self._drawn(quantiles(operations.screening_hours))

    def _fill_conduct(self, study: whole.Study) -> None:
        operations, schedule = self.scenario.operations, self.scenario.treatment.infusions
        lengths = np.bincount(schedule.phase_of) + 1
        strides = np.cumprod([1, *lengths[:0:-1]])[::-1]
        study.infusions, study.phases = schedule.count, len(lengths)
        study.offsets = self.kept.array(schedule.offsets(), np.int64)
        study.phase_of = self.kept.array(schedule.phase_of, np.int64)
        study.phase_stride = self.kept.array(strides, np.int64)
        study.shares = int(lengths.prod())
        study.tendency = self._drawn(quantiles(operations.refusal_probability))
        study.refusal_purpose, study.visit_purpose = key_of("refusal"), key_of("visit")
        for place, name in enumerate(EVENTS):
            study.event[place] = self._event(name)
        visits = [
            whole.Visit(visit.day, visit.window_days, visit.after == "onset")
            for visit in self.scenario.design.visits.values()
        ]
        study.visits, study.visit = len(visits), self.kept.structures(whole.Visit, visits)
        missed = BelowShare(operations.visit_missed_probability)
        study.missed_last, study.missed_any = int(missed.last), bool(missed.any)

    def _event(self, name: str) -> whole.Event:
        happening = getattr(self.scenario.operations, name)
        below = BelowShare(happening.probability)
        drawn = self._drawn(quantiles(happening.days))
        return whole.Event(drawn, int(below.last), bool(below.any), happening.probability)

    def _fill_shared(self, study: whole.Study, shared: "_Shared") -> None:
        """Fill in what outcomes have in common."""
        own, noise = (
            self.kept.array([key_of(f"{purpose} {name}") for name in shared.scores], np.uint64)
            for purpose in ("course", "noise")
        )
        study.scores, study.own_purpose, study.noise_purpose = len(shared.scores), own, noise
        study.trial_purpose, study.part_done = (
            key_of("trial effect"),
            self._pieces(PART_DONE.by_piece),
        )
        rows = [self._prognosis(dict(one)) for one in shared.prognoses]
        study.prognoses, study.prognosis = len(rows), self.kept.structures(whole.Prognosis, rows)
        study.traits, study.trait = len(self.traits), self.kept.array(self.traits, np.int64)
        each = [whole.Progress(*one) for one in shared.progresses]
        study.progresses, study.progress = len(each), self.kept.structures(whole.Progress, each)
        shares = [self._shares(exposure) for exposure in shared.exposures]
        study.exposures, study.share = len(shares), self.kept.array(shares, np.float64)

    def _fill_measurements(self, study: whole.Study, shared: "_Shared") -> None:
        scenario, visits = self.scenario, list(self.scenario.design.visits)
        names = outcomes_made(scenario)
        outcomes = [self._outcome(name, shared) for name in names]
        measured = [
            (
                names.index(name),
                visits.index(visit),
                cells_of(scenario.outcomes[name], scenario.analysis),
            )
            for name, visit in measurements(scenario)
        ]
        each = [whole.Measurement(*one) for one in measured]
        study.outcomes, study.outcome = len(names), self.kept.structures(whole.Outcome, outcomes)
        study.measurements = len(each)
        study.measurement = self.kept.structures(whole.Measurement, each)
        study.first_measured = min(visit for _, visit, _ in measured)

    def _outcome(self, name: str, shared: "_Shared") -> whole.Outcome:
        outcome, found = self.scenario.outcomes[name], whole.Outcome()
        grid = outcome.grid
        found.sign, found.steps = outcome.sign, grid.steps
        found.low, found.step, found.logarithmic = grid.low, grid.step, grid.logarithmic
        if grid.logarithmic:
            found.by_logarithm = self._cuts(guide_to_cuts(grid))
        if outcome.baseline is not None:
            found.has_baseline, found.baseline = 1, self._covariate(outcome.baseline)
        found.mixed = self._mixed(name, shared.scores)
        found.prognosis = shared.prognoses.index(_prognosis(self.scenario, outcome))
        found.exposure = shared.exposures.index(outcome.effect.exposure)
        bounds = [self._bound(outcome, bound) for bound in outcome.bounds.values()]
        found.bounds, found.bound = len(bounds), self.kept.structures(whole.Bound, bounds)
        found.shift, found.trial_deviation = latent_shift(outcome), outcome.effect.trial_sd
        found.course = self._course(outcome.course)
        found.course.progress = shared.progresses.index(_progress(outcome.course))
        return found

    def _cuts(self, guide: CutGuide) -> whole.Cuts:
        return whole.Cuts(
            *(guide.before.size, guide.half, guide.low, guide.per_unit),
            self.kept.array(guide.cuts, np.float64),
            self.kept.array(guide.before, np.int64),
        )

    def _bound(self, outcome: Outcome, bound: Bound) -> whole.Bound:
        """Return the cells of the other outcome that bind, and those that are then possible."""
        other, most = self.scenario.outcomes[bound.outcome], outcome.grid.steps
        scores = other.grid.score_of(np.arange(other.grid.steps + 1.0))
        ends = (np.full(scores.shape, end) for end in (0.0, float(most)))
        low, high = (bound.held(end, scores, outcome.grid, outcome.sign) for end in ends)
        binding = np.flatnonzero((low > 0) | (high < most))
        if not binding.size:
            return whole.Bound(last=-1)
        first, last = binding[[0, -1]].tolist()
        place = outcomes_made(self.scenario).index(bound.outcome)
        return whole.Bound(place, first, last, int(low[first]), int(high[first]))

    def _mixed(self, name: str, scores: Sequence[str]) -> whole.Sum:
        """Return what an outcome's scores are the sum of, its own first."""
        weights = weights_of_outcomes(self.scenario)[name]
        terms = {name: weights[name], **weights}
        source = self.kept.array([scores.index(one) for one in terms], np.int64)
        return whole.Sum(len(terms), source, self.kept.array(list(terms.values()), np.float64))

    def _prognosis(self, weights: Mapping[str, float]) -> whole.Prognosis:
        sums = [self._sum_of_traits(self._terms(name)) for name in weights]
        weight = self.kept.array(list(weights.values()), np.float64)
        return whole.Prognosis(len(sums), weight, self.kept.structures(whole.Sum, sums))

    def _sum_of_traits(self, terms: Mapping[tuple[str, int], float]) -> whole.Sum:
        sources = [self._source(*source) for source in terms]
        self.traits.extend(dict.fromkeys(one for one in sources if one not in self.traits))
        places = self.kept.array([self.traits.index(one) for one in sources], np.int64)
        return whole.Sum(len(terms), places, self.kept.array(list(terms.values()), np.float64))

    def _course(self, course: Course) -> whole.Course:
        assert isinstance(course, Exponential | Proportions), "no other course is covered"
        within = course.within_patient_correlation
        found = whole.Course(own_share=math.sqrt(within), noise_share=math.sqrt(1 - within))
        first, last = course.start_baseline_correlation, course.end_baseline_correlation
        first = last if first is None else first
        found.correlation, found.correlation_added = first, last - first
        match course:
            case Exponential():
                found.mean = course.start_mean
                found.mean_added = course.end_mean - course.start_mean
                found.sd, found.sd_added = course.start_sd, course.end_sd - course.start_sd
            case Proportions():
                starts, ends = (
                    np.array(course.cuts(one or course.end)) for one in (course.start, course.end)
                )
                finite = np.isfinite(ends)
                added = np.where(finite, ends, 0) - np.where(finite, starts, 0)
                found.of_grades, found.cuts = 1, len(ends)
                found.cut = self.kept.array(np.where(finite, starts, ends), np.float64)
                found.cut_added = self.kept.array(added, np.float64)
        return found

    def _plan(self) -> whole.Plan:
        scenario, plan = self.scenario, self.scenario.analysis
        arms, stopped = list(scenario.design.arms), plan.strategy_of("discontinuation")
        return whole.Plan(
            treated=arms.index(plan.treated),
            control=arms.index(plan.control),
            change=plan.measure == "change",
            by_site=plan.strata == "site",
            missing=_MISSING[plan.missing],
            dead_are_worst=plan.death != "as_missing",
            full_analysis_set=plan.analysis_set == "full_analysis_set",
            failures_are_worst=stopped == "composite",
            failures_are_missing=stopped in ("hypothetical", "while_on_treatment"),
            least_share=plan.minimum_infusion_share,
        )

    def _shares(self, exposure: Exposure) -> Floats:
        """Return the share of the full effect of each arm by the infusions given in each phase."""
        schedule, arms = self.scenario.treatment.infusions, self.scenario.design.arms.values()
        given = np.indices((np.bincount(schedule.phase_of) + 1).tolist()).astype(np.int16)
        shares = []
        for arm in arms:
            total = np.zeros(given.shape[1:])
            for counts, dose in zip(given, np.broadcast_to(arm.doses, len(given)), strict=True):
                total += counts * dose
            received = _Amounts(total.reshape(1, -1), any(arm.doses))
            shares.append(exposure.share(cast("Received", received), 0)[0])
        return np.array(shares)

    def _rule(self, screen: Screen, names: tuple[str, ...]) -> whole.Rule:
        rule, bounds = screen.rule, screen.rule.bounds
        codes = rule.codes(self.scenario.population.covariates)
        found = whole.Rule(
            covariate=names.index(rule.covariate),
            excludes=screen.excludes,
            runs=-1 if screen.runs is None else len(screen.runs),
            at_least=bounds.get("at_least", -math.inf),
            more_than=bounds.get("more_than", -math.inf),
            at_most=bounds.get("at_most", math.inf),
            less_than=bounds.get("less_than", math.inf),
            codes=len(codes),
            code=self.kept.array(codes, np.float64),
        )
        if screen.runs is not None:
            ends = np.array(screen.runs, np.int64).reshape(-1, 2) - (0, 1)
            found.run_first = self.kept.array(ends[:, 0], np.uint32)
            found.run_last = self.kept.array(ends[:, 1], np.uint32)
        return found

    def _covariate(self, name: str) -> whole.Covariate:
        """Return how a covariate is drawn."""
        population = self.scenario.population
        dependent = name in population.dependent
        found = whole.Covariate(dependent=dependent)
        if dependent:
            found.score = self._score(name)
        else:
            found.source = self._source(covariate_purpose(name), 0)
        found.drawn = self._drawn(population.covariates[name].quantiles, by_score=dependent)
        return found

    def _terms(self, name: str) -> dict[tuple[str, int], float]:
        """Return what the normal score of a covariate is the sum of, and with which weights."""
        population, terms = self.scenario.population, {name: 1.0}
        if name in population.correlated:
            place = population.correlated.index(name)
            own, others = population.cholesky[place, place].item(), population.cholesky[place]
            before = zip(population.correlated[:place], others[:place].tolist(), strict=True)
            terms = {name: own, **dict(before)}
        return {(covariate_purpose(one), 0): weight for one, weight in terms.items() if weight}

    def _score(self, name: str) -> whole.Sum:
        """Return the normal score of a covariate."""
        terms = self._terms(name)
        sources = [self._source(*source) for source in terms]
        weights = self.kept.array(list(terms.values()), np.float64)
        self.again.update(sources if len(sources) > 1 else ())
        return whole.Sum(len(terms), self.kept.array(sources, np.int64), weights)

    def _source(self, purpose: str, draw: int) -> int:
        if (purpose, draw) not in self.sources:
            self.sources.append((purpose, draw))
            return len(self.sources) - 1
        self.again.add(source := self.sources.index((purpose, draw)))
        return source

    def _drawn(self, drawn: Steps | Smooth, by_score: bool = False) -> whole.Drawn:
        found = whole.Drawn()
        if isinstance(drawn, Steps):
            before, _, ends = drawn.guide
            found.kind, found.count = Kind.STEPS, len(drawn.values)
            found.values = self.kept.array(drawn.values, np.float64)
            found.before = self.kept.array(before, np.int64)
            found.ends = self.kept.array(ends, np.uint64)
            if by_score:
                found.scores = self.kept.array(drawn.scores, np.float64)
            return found
        match drawn.distribution:
            case Uniform(low=low, high=high) if not by_score:
                found.kind, found.start, found.width = Kind.LINE, low, high - low
            case Normal(mean=mean, sd=sd, low=None, high=None):
                found.kind, found.start, found.width = Kind.NORMAL, mean, sd
            case _ if by_score:
                found.kind, found.by_score = Kind.TAIL, self._pieces(drawn.by_score.by_piece)
            case _:
                found.kind, found.values = Kind.TAIL, self._pieces(drawn.curve.by_piece)
        return found

    def _pieces(self, pieces: Floats) -> int:
        return self.kept.array(pieces, np.float64)


class _Shared(NamedTuple):
    """What the outcomes of a study have in common, each once."""

    scores: list[str]
    """The outcomes of whose normal scores those of all are made."""
    prognoses: list[tuple[tuple[str, float], ...]]
    """Covariates with their weights."""
    progresses: list[tuple[float, float]]
    """Time constants, and the parts that are done on end days."""
    exposures: list[Exposure]


def _shared(scenario: Scenario) -> _Shared:
    names, mixed = outcomes_made(scenario), weights_of_outcomes(scenario)
    outcomes = [scenario.outcomes[name] for name in names]
    return _Shared(
        [one for one in scenario.outcomes if any(one in mixed[name] for name in names)],
        _each_once([_prognosis(scenario, one) for one in outcomes]),
        _each_once([_progress(one.course) for one in outcomes]),
        _each_once([one.effect.exposure for one in outcomes]),
    )


Same = TypeVar("Same")


def _each_once(several: Sequence[Same]) -> list[Same]:
    """Return what there is without repeats, in order."""
    return [one for place, one in enumerate(several) if one not in several[:place]]


def _progress(course: Course) -> tuple[float, float]:
    """Return the time constant of a course, and the part that is done on its end day."""
    assert isinstance(course, Exponential | Proportions), "no other course is covered"
    days = course.time_constant_days
    return days, float(part_done(np.array(course.end_day / days)))


def _prognosis(scenario: Scenario, outcome: Outcome) -> tuple[tuple[str, float], ...]:
    """Return the covariates that an outcome follows, with their weights."""
    if not outcome.predictors:
        return ()
    return tuple(scenario.population.of_unit_variance(outcome.predictors).items())


@dataclass(frozen=True)
class _Amounts:
    """Any amounts of study drug in an arm, as an exposure reads them; nothing else is known."""

    amount: Floats
    has_drug: bool

    def assigned(self, visit: int) -> Booleans:
        """Return whether the arm has study drug, whatever the visit."""
        return np.full(self.amount.shape, self.has_drug)

    def total(self, visit: int) -> Floats:
        """Return the amounts, whatever the visit."""
        return self.amount

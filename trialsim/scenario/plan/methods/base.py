"""What every method of analysis answers about itself; a method overrides what is its own."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, Final, Literal, Self, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.choices import Missing, Plan, Quantity
from trialsim.scenario.plan.levels import LEVELS, SIZES, TRIALS, sizes_above
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Rules,
    Violation,
    unknown,
    until_missing,
)


class AnalysisMethod(CheckedModel):
    """A method as a study file names it, with the choices that are its own.

    The arithmetic is on the floor of the analyses, in a file of the same name.
    """

    needs_numbers: ClassVar[bool] = False
    """Whether a rank below all others cannot be analysed."""
    takes_strata: ClassVar[bool] = False
    corrects_continuity: ClassVar[bool] = False
    """Whether it has a continuity correction."""
    own_missing: ClassVar[Missing | None] = None
    """The only rule for missing scores that goes with it, which fills in none."""
    takes_missing_scores: ClassVar[bool] = False
    """Whether scores may be left missing for it, beside the rules that fill them in."""
    pools_imputations: ClassVar[bool] = False
    """Whether imputed trials can be pooled, not stratified and not corrected."""
    pooled_as: ClassVar[str] = ""
    """What of imputed trials is pooled by Rubin's rules."""
    has_effect_scales: ClassVar[bool] = False
    """Whether the effect may be reported as win odds or as net benefit."""
    has_win_ratio: ClassVar[bool] = False
    can_be_monitored: ClassVar[bool] = False
    """Whether its statistic has a known variance, so that z at two looks has a known law."""
    repeats_randomisation: ClassVar[bool] = False
    """Whether it runs the study's procedure of randomisation again, and so needs the strata."""
    why_not_monitored: ClassVar[str] = "it has no statistic whose variance is known"
    monitored_by_counts: ClassVar[bool] = False
    """Whether a look needs no more than counts over the cells of the scale."""
    statistic_is_z: ClassVar[bool] = False
    """Whether its own statistic is the z of the looks; else z follows from the p-value."""
    reckons_information: ClassVar[bool] = False
    """Whether the information at the end follows from the design, the control and the effect."""
    has_blinded_size: ClassVar[bool] = False
    """Whether the number of patients can be re-estimated from data that show no arms."""
    has_joint_law: ClassVar[bool] = False
    """Whether the joint law of its tests of several arms against one control is known."""
    tests_margins: ClassVar[bool] = False
    """Whether its interval can be inverted to test another value than that of no difference."""
    conflicts: ClassVar[Rules] = ()
    """Rules between itself, which they need as `test`, and other fields of the plan."""

    def in_labels(self, outcome: Callable[[str], str], words: Callable[[str], str]) -> Self:
        """Return itself to be read, not run: outcomes by their labels, visits in words."""
        return self

    @property
    def counted_events(self) -> tuple[Event, ...]:
        """Events whose times are analysed, so that nothing else is done about them."""
        return ()

    @property
    def adjusts_for_baseline(self) -> bool:
        """Whether the score before treatment is part of its model."""
        return False

    def outcomes_of(self, plan: Plan) -> tuple[str, ...]:
        """Return the outcomes that it analyses."""
        return (plan.endpoint,)

    def arms_tested(self, design: Design, plan: Plan) -> tuple[str, ...]:
        """Return the arms that have no effect under its null hypothesis."""
        return (plan.treated,)

    def measured_at(self, plan: Plan) -> tuple[tuple[str, str], ...]:
        """Return the outcomes and visits whose effects its own is made of."""
        return ((plan.endpoint, plan.visit),)

    def why_no_population_effect(self, plan: Plan) -> str | None:
        """Return why what it estimates does not follow from populations of one outcome, if so."""
        return None

    @abstractmethod
    def quantity(self, plan: Plan) -> Quantity:
        """Return what is estimated, and its value when the arms do not differ."""

    def mean_in_words(self, plan: Plan) -> str:
        """Return what is averaged in each arm, beside the estimate."""
        return "mean change" if plan.measure == "change" else "mean score"

    @abstractmethod
    def estimate_in_words(self, plan: Plan) -> str:
        """Return what is estimated, with who is compared in what and when."""

    @abstractmethod
    def test_in_words(self, plan: Plan) -> str:
        """Return the test, what it is referred to, and whether it is stratified."""

    def pooled_in_words(self, plan: Plan) -> str:
        """Return the test of imputed trials, which is Student's of what is pooled."""
        return f"Student's t test of the pooled {self.pooled_as}, not stratified."

    @abstractmethod
    def ties_in_words(self, plan: Plan) -> str:
        """Return how ties are handled."""

    @abstractmethod
    def variance_in_words(self, plan: Plan) -> str:
        """Return under which hypothesis the test's variance holds, and how it is made."""

    @abstractmethod
    def interval_in_words(self, plan: Plan) -> str:
        """Return how the interval is made, without a full stop."""

    def levels_in_words(self, plan: Plan) -> tuple[str, ...]:
        """Return each level of a hierarchy as a phrase; none of what compares by one value."""
        return ()

    @property
    def level_names(self) -> tuple[str, ...]:
        """The name of each level of a hierarchy; none of what compares by one value."""
        return ()

    def analysed_in_words(self, plan: Plan) -> str:
        """Return who is analysed of all randomised."""
        return (
            "All randomised patients whose score is known, imputed or ranked after the rules for "
            "missing data and death, in the arm allocated."
        )

    def variable_in_words(self, plan: Plan) -> str:
        """Return what is compared of each patient; empty where it is scores at visits."""
        return ""

    def left_out_in_words(self, plan: Plan) -> str:
        """Return who is left out of any analysis set; empty where nobody is."""
        return ""

    def censoring_in_words(self, plan: Plan) -> str:
        """Return when patients without an event are censored; empty of what has no times."""
        return ""

    def death_in_words(self, plan: Plan, usual: str) -> str:
        """Return what it makes of a death, usually what the plan's rule does."""
        return usual

    def composite_in_words(self, what: str, usual: str) -> str:
        """Return what it makes of events under the composite strategy, usually the worst rank."""
        return usual

    def level_row(self, plan: Plan) -> str | None:
        """Return the row of `LEVELS` that measured its test in small arms; None where none has."""
        return None

    def interval_row(self, plan: Plan) -> str | None:
        """Return the row of `LEVELS` that measured its interval in small arms."""
        return None

    def margin_row(self, plan: Plan) -> str | None:
        """Return the row of `LEVELS` that measured its test of a margin in small arms."""
        return None

    def small_samples_in_words(self, plan: Plan) -> str:
        """Return how often the test rejects without an effect, and its interval misses, when small.

        The figures are those of docs/methods.md, measured by `python -m benchmarks.small_samples`.
        """
        if plan.claim != "superiority":
            return self._at_a_margin(plan)
        told = []
        test, interval = self.level_row(plan), self.interval_row(plan)
        if test is not None:
            told.append(f"without an effect the test rejects at 5% in {rates(test)}{_above(test)}")
        if interval is not None:
            of = (
                "an effect of 0.71" if interval.endswith("effect 0.71") else "the lack of an effect"
            )
            told.append(f"the 95% interval misses {of} in {rates(interval)}")
        if not told:
            return "Not measured for this method with these choices."
        return f"{_SCALE}, {'; '.join(told)}."

    def _at_a_margin(self, plan: Plan) -> str:
        row = self.margin_row(plan)
        if row is None:
            return "Not measured for this method with a margin and these choices."
        return (
            f"{_SCALE}, where the effect is at a margin of non-inferiority the claim is made at a "
            f"one-sided 2.5% in {rates(row)}{_above(row)}."
        )

    @property
    def is_slow(self) -> bool:
        """Whether its time has to be thought of before thousands of trials."""
        return False

    def design_violations(self, design: Design, plan: Plan) -> Iterator[Violation]:
        """Yield what in the design it cannot go with; paths begin at the plan."""
        yield from ()

    def outcome_violations(
        self, outcomes: Mapping[str, Outcome], plan: Plan
    ) -> Iterator[Violation]:
        """Yield what in the outcomes it cannot go with; paths begin at the plan."""
        yield from ()

    def population_violations(self, population: Population) -> Iterator[Violation]:
        """Yield what in the population it cannot go with; paths begin at the plan."""
        yield from covariate_violations(vars(self).get("covariates", ()), population)


InfluenceVariance: TypeAlias = Literal["simple", "design"]
"""Of a standardised effect: of patients tossed one by one, or balanced within strata."""


def influences_in_words(variance: InfluenceVariance) -> str:
    """Return how the variance of a standardised effect is made."""
    told = (
        "That of the patients' influences, on the averages and through the fitted model, which "
        "need not be true, under any hypothesis"
    )
    if variance == "design":
        return (
            f"{told}, less what the balance of the arms within the strata of the design takes from "
            "chance (Bugni, Canay and Shaikh 2018; Ye, Shao, Yi and Zhao 2023); under minimisation "
            "within the classes of each factor. It needs many patients in a stratum."
        )
    return (
        f"{told}, as under simple randomisation: where patients are stratified by what tells of "
        "the score beyond the covariates, it is conservative."
    )


def unbalanced(variance: InfluenceVariance, design: Design) -> Iterator[Violation]:
    """Yield why the design's balance cannot be counted on, if so; paths begin at the plan."""
    if variance == "design" and not design.keeps_balance:
        method = None if design.randomisation is None else design.randomisation.method
        rule = "must be simple under a procedure that keeps no balance within strata"
        yield Violation("test.variance", rule, method)


_SCALE: Final = "On a scale with 21% of patients at its floor and 16% at its ceiling"


def rates(row: str) -> str:
    """Return a row of `LEVELS` as a phrase.

    >>> rates("exact_mann_whitney").endswith("% of trials of 10 and 25 patients an arm")
    True
    """
    known = {size: rate for size, rate in zip(SIZES, LEVELS[row], strict=True) if rate is not None}
    digits = 1 if TRIALS[row] <= 10_000 else 2
    shares = listed(f"{rate:.{digits}f}%" for rate in known.values())
    return f"{shares} of trials of {listed(map(str, known))} patients an arm"


def _above(row: str) -> str:
    """Return the sizes of arms in which a test is known to reject too often, in brackets.

    >>> _above("brunner_munzel, normal")
    ' (too often with 10 and 25, by more than 3 Monte Carlo errors)'
    >>> _above("mann_whitney")
    ''
    """
    sizes = [str(size) for size in sizes_above(row)]
    if not sizes:
        return ""
    return f" (too often with {listed(sizes)}, by more than 3 Monte Carlo errors)"


def measured(plan: Plan) -> str:
    """Return what is compared, such as `arat score at day_90`."""
    return f"{plan.endpoint} {measure_in_words(plan)} at {plan.visit}"


def measure_in_words(plan: Plan) -> str:
    """Return `score`, or `change from baseline`."""
    return {"score": "score", "change": "change from baseline"}[plan.measure]


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence lists them.

    >>> listed(["arat", "nihss", "barthel"])
    'arat, nihss and barthel'
    """
    *first, last = names = list(names)
    comma = "; " if any("," in name for name in names) else ", "  # a name with a comma is one
    return f"{comma.join(first)} and {last}" if first else last


def covariate_violations(names: Iterable[str], population: Population) -> Iterator[Violation]:
    """Yield which names are not those of covariates that are numbers, or true or false."""
    for name in names:
        yield from until_missing(_covariate_violation(name, population))


def _covariate_violation(name: str, population: Population) -> Iterator[Violation]:
    covariate = population.covariates.get(name)
    path = f"test.covariates.{name}"
    if covariate is None:
        yield Violation(path, unknown("covariate", name, population.covariates), name)
    elif covariate.levels is not None:
        yield Violation(path, "must be a covariate that is a number, true or false", name)

"""What will be estimated and tested, with every convention that software disagrees about."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from trialsim.distributions import FrozenModel
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.plan.choices import (
    PRIMARY,
    Alternative,
    AnalysisSet,
    Claim,
    Death,
    Effect,
    Imputations,
    Interval,
    Level,
    Measure,
    Missing,
    Quantity,
    Strata,
    StratumWeighting,
)
from trialsim.scenario.plan.estimands import TREATMENT_EVENTS, Strategy, strategy_named
from trialsim.scenario.plan.imputation import Imputation
from trialsim.scenario.plan.methods.registry import Method
from trialsim.scenario.plan.multiplicity import NONE, Multiplicity, Serial
from trialsim.scenario.plan.prognostic import Prognostic
from trialsim.scenario.plan.rules import COMPARISON_RULES, FAMILY_RULES
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.protocol.intercurrent import DISCONTINUATIONS, TreatmentEvent
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    OpenProbability,
    Probability,
)


class FurtherAnalysis(FrozenModel):
    """An analysis besides the primary one: what it says differs, all else is as there."""

    estimand: Name | None = None
    endpoint: Name | None = None
    visit: Name | None = None
    measure: Measure | None = None
    treated: Name | None = None
    control: Name | None = None
    analysis_set: AnalysisSet | None = None
    minimum_infusion_share: Probability | None = None
    subgroup: Rule | None = None
    missing: Missing | None = None
    imputations: Imputations | None = None
    imputation: Imputation | None = None
    death: Death | None = None
    intercurrent: dict[TreatmentEvent, Strategy] | None = None
    test: Method | None = None
    prognostic: Prognostic | None = None
    continuity_correction: bool | None = None
    claim: Claim | None = None
    margin: Finite | None = None
    upper_margin: Finite | None = None
    alternative: Alternative | None = None
    alpha: Level | None = None
    effect: Effect | None = None
    interval: Interval | None = None
    confidence: OpenProbability | None = None
    strata: Strata | None = None
    stratum_weighting: StratumWeighting | None = None

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return what each field is: what it is in the primary plan."""
        there = AnalysisPlan.descriptions()
        return {
            name: f"{there[name]} Null for what the primary analysis has."
            for name in cls.model_fields
        }

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that it says, by name.

        A rule for missing scores is said as a whole, and so is a claim, with its margins.
        """
        said = {name: vars(self).get(name) for name in type(self).model_fields}
        changes = {name: value for name, value in said.items() if value is not None}
        if "missing" in changes:
            changes = {"imputation": None, **changes}
        return {"margin": None, "upper_margin": None, **changes} if "claim" in changes else changes

    @model_serializer(mode="wrap")
    def _serialise_without_defaults(
        self, dumped: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        content = dumped(self)
        return {name: value for name, value in content.items() if value is not None}


class AnalysisPlan(CheckedModel):
    """The primary analysis compares treated with control at one visit; others go with it."""

    rules = (*COMPARISON_RULES, *FAMILY_RULES)
    omitted_defaults = (
        "estimand",
        "imputations",
        "imputation",
        "intercurrent",
        "subgroup",
        "prognostic",
        "claim",
        "margin",
        "upper_margin",
        "effect",
        "stratum_weighting",
        "secondary",
        "multiplicity",
        "success",
    )

    assumed_defaults = (
        "measure",
        "analysis_set",
        "death",
        "continuity_correction",
        "alternative",
        "alpha",
        "interval",
        "confidence",
        "strata",
    )

    estimand: Name | None = None
    """The name of the estimand that the analysis is for, such as main; null for the
    treatment-policy effect."""
    endpoint: Name
    """The name of the outcome that is analysed, such as mrs."""
    visit: Name
    """The name of the visit at which it is analysed, such as day_90."""
    measure: Measure = "score"
    """The score at the visit, or its change from baseline."""
    treated: Name
    """The name of the arm that is compared with the control, such as drug."""
    control: Name
    """The name of the control arm, such as placebo."""
    analysis_set: AnalysisSet = "all_randomised"
    """Everybody randomised, or those with a score at any visit after baseline."""
    minimum_infusion_share: Probability = 0.0
    """Patients given a smaller share of the planned infusions are left out (per protocol), such as
    0.8; usually 0."""
    subgroup: Rule | None = None
    """Those who are analysed; null for everybody."""
    missing: Missing
    """Last or baseline observation carried forward, ranked below all, left out, imputed, left
    missing for the likelihood of a model of all visits, or of times to an event censored."""
    imputations: Imputations = 20
    """Data sets that multiple imputation completes, such as 20."""
    imputation: Imputation | None = None
    """What multiple imputation assumes of missing scores; null for missing at random by arm."""
    death: Death = "worst_rank"
    """The dead are ranked below every survivor, whatever was measured, or treated as missing."""
    intercurrent: dict[TreatmentEvent, Strategy] = Field(default_factory=dict)
    """What becomes of scores after a kind of event, such as rescue, in the words of the estimands:
    treatment_policy, they count as they are; hypothetical, they are missing, and the rule for
    missing scores holds; composite, the patient is ranked below all; while_on_treatment, the last
    score seen before the event counts; principal_stratum, the patient is left out. What is left
    out is treatment_policy, a drug_related_discontinuation as a discontinuation."""
    test: Method
    """The method that compares the arms, such as mann_whitney."""
    prognostic: Prognostic | None = None
    """What a patient's outcome would be without the drug, learned from another study: the covariate
    prognostic_score of the methods that take covariates; null for none."""
    continuity_correction: bool = False
    """Whether half a rank is taken off the difference before the p-value, usually false."""
    claim: Claim = "superiority"
    """What the test is to show: a difference, usually; a benefit beyond the margin; no harm beyond
    it; or an effect between the two margins."""
    margin: Finite | None = None
    """The effect at the border of the claim, on the scale of the analysis, such as a Mann-Whitney
    effect of 0.45 or a mean difference of -3; of equivalence the lower border."""
    upper_margin: Finite | None = None
    """The upper border of equivalence, such as a Mann-Whitney effect of 0.55."""
    alternative: Alternative = "two-sided"
    """Greater: the treated are better."""
    alpha: Level = 0.05
    """The level of the test, all of it for one side or for both, such as 0.05."""
    effect: Effect = "mann_whitney"
    """The scale on which a rank comparison is reported; the test is the same on each."""
    interval: Interval = "null_variance"
    """Of the Mann-Whitney effect of two unadjusted, unstratified samples; others have their own."""
    confidence: OpenProbability = 0.95
    """Coverage of the confidence interval, such as 0.95."""
    strata: Strata = "none"
    """Whether patients are compared all together (none), within their sites (site), or within the
    strata by which they are randomised (design)."""
    stratum_weighting: StratumWeighting = "van-elteren"
    """How much each stratum counts, usually van-elteren."""
    secondary: dict[Name, FurtherAnalysis] = Field(default_factory=dict)
    """Other analyses by name; each says what differs from the primary one."""
    multiplicity: Multiplicity = Field(default=NONE, json_schema_extra={"default": "none"})
    """How the level is shared: a word, such as holm, for the secondary analyses behind the primary
    one; or families in order, or a graph."""
    success: Name = PRIMARY
    """What the power is the probability of: primary, for its rejection in favour of the treated;
    the name of a secondary analysis; any or all of those that are tested together."""

    @property
    def further(self) -> Mapping[str, "AnalysisPlan"]:
        """The plan of each secondary analysis, whole but for what is wrong in it."""
        plans = {}
        for name, one in self.secondary.items():
            plans[name] = self.alone.model_copy(update=one.changes)
            for wrong in one.left_out:
                vars(plans[name]).pop(wrong, None)
        return plans

    def strategy_of(self, kind: TreatmentEvent) -> Strategy:
        """Return what is done about a kind of event after which patients are in the trial."""
        return strategy_named(self.intercurrent, kind) or "treatment_policy"

    def kinds_under(self, strategy: Strategy) -> tuple[TreatmentEvent, ...]:
        """Return the kinds of event about which something is done."""
        return tuple(kind for kind in TREATMENT_EVENTS if self.strategy_of(kind) == strategy)

    @property
    def events_used(self) -> frozenset[TreatmentEvent]:
        """The kinds of event about which any of the analyses does something.

        A discontinuation because of the drug is one of them where it is told apart from others.
        """
        used: set[TreatmentEvent] = set()
        for plan in (self, *self.further.values()):
            done = {kind: plan.strategy_of(kind) for kind in TREATMENT_EVENTS}
            if done["drug_related_discontinuation"] == done["discontinuation"]:
                del done["drug_related_discontinuation"]
            else:
                used |= set(DISCONTINUATIONS)
            used |= {kind for kind, one in done.items() if one != "treatment_policy"}
        return frozenset(used)

    @property
    def alone(self) -> "AnalysisPlan":
        """The primary analysis by itself."""
        alone = {"secondary": {}, "multiplicity": NONE, "success": PRIMARY}
        return self.model_copy(update=alone)

    @property
    def every(self) -> dict[str, "AnalysisPlan"]:
        """The plan of every analysis by name, the primary one first."""
        return {PRIMARY: self, **self.further}

    @property
    def together(self) -> tuple[str, ...]:
        """The analyses that are tested together, of which success may be any or all."""
        return self.multiplicity.named(self.secondary)

    @property
    def needs_every_analysis(self) -> bool:
        """Whether success depends on more than the primary analysis by itself."""
        return self.success != PRIMARY or not isinstance(self.multiplicity, Serial)

    @property
    def uses_baseline(self) -> bool:
        """Whether it needs scores before treatment, and not only where nothing else is known."""
        if self.missing == "multiple_imputation":
            predictors = None if self.imputation is None else self.imputation.predictors
            return predictors is None or BASELINE in predictors
        carried = self.missing == "bocf"
        return carried or self.measure == "change" or self.test.adjusts_for_baseline

    @property
    def averaged(self) -> str:
        """What is averaged in each arm, in words."""
        return self.test.mean_in_words(self)

    @property
    def sides(self) -> int:
        """Whether the test rejects in one direction or in two."""
        return 2 if self.alternative == "two-sided" else 1

    @property
    def quantity(self) -> Quantity:
        """What the primary analysis estimates."""
        return self.test.quantity(self)

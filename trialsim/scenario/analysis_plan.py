"""What will be estimated and tested, with every convention that software disagrees about."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from trialsim.scenario.refusal import Name, OpenProbability, Probability, Refusal, Ruled

Method = Literal["null", "delong", "brunner-munzel", "logit", "newcombe"]


def _none_for_van_elteren(continuity_correction: bool, strata: str) -> Iterator[Refusal]:
    if continuity_correction and strata != "none":
        rule = "must be false with strata: van Elteren's test has no continuity correction"
        yield Refusal("continuity_correction", rule, continuity_correction)


class AnalysisPlan(Ruled):
    """The primary analysis: Mann-Whitney effect of treated against control at one visit."""

    rules = ((("continuity_correction", "strata"), _none_for_van_elteren),)

    endpoint: Name
    visit: Name
    measure: Literal["score", "change"]
    """The score at the visit, or its change from baseline."""
    treated: Name
    control: Name
    analysis_set: Literal["all_randomised", "efficacy"]
    """Everybody randomised, or those with a score at any visit after baseline."""
    minimum_infusion_share: Probability = 0.0
    """Patients given a smaller share of the planned infusions are left out (per protocol)."""
    missing: Literal["locf", "bocf", "worst_rank", "complete_case"]
    """Last or baseline observation carried forward, ranked below all, or left out."""
    death: Literal["worst_rank", "as_missing"]
    """The dead are ranked below every survivor, whatever was measured, or treated as missing."""
    test: Literal["mann_whitney"]
    """Wilcoxon-Mann-Whitney, asymptotic, midranks, tie-corrected variance."""
    continuity_correction: bool
    alternative: Literal["two-sided", "greater", "less"]
    """Greater: the treated are better."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    interval: Method
    confidence: OpenProbability
    strata: Literal["none", "site"]

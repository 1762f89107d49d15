"""Which effect is the true one beside the estimates of a plan, and whether the plan is for it.

What a simulation can compute is the effect in all those randomised, with the score that each would
have had at the visit under the infusions that were in fact given: whoever stops treatment or leaves
the trial is counted as treated, the strategy of treatment policy. A death ends all scores, so it
has no treatment policy (ICH E9(R1), A.3.2): either it is itself the worst outcome, or the effect
is the hypothetical one had nobody died. An analysis that answers another question is not biased
for this one; it differs from it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.imputation import AT_RANDOM
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.scenario import Scenario


class Estimand(NamedTuple):
    """The effect that `truth` is, and why the plan's analysis may be for another."""

    name: str
    """Such as `treatment-policy effect`."""
    others: tuple[str, ...]
    """What in the plan makes its analysis one for another estimand; empty where it is for this."""

    @property
    def is_target(self) -> bool:
        """Whether the analysis is for it, so that its distance from it is a bias."""
        return not self.others

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values, for JSON."""
        return {"name": self.name, "is_target": self.is_target, "because": list(self.others)}


def estimand_of(study: Study) -> Estimand:
    """Return the estimand of a study's primary analysis, of a programme that of all its trials.

    >>> import trialsim as ts
    >>> cars1 = ts.load("cars1")
    >>> estimand_of(cars1).is_target
    True
    >>> estimand_of(cars1.replace({"analysis.missing": "worst_rank"})).others
    ('a missing score counts as the worst outcome (composite)',)
    """
    trials = trials_of(study).values()
    dead = {trial.analysis.death for trial in trials if trial.operations.death.probability > 0}
    deaths = ", ".join(_DEATHS[one] for one in sorted(dead))
    others = dict.fromkeys(other for trial in trials for other in _others(trial))
    name = "treatment-policy effect" + (f", {deaths}" if deaths else "")
    return Estimand(name, tuple(others))


_DEATHS = {"worst_rank": "death as the worst outcome", "as_missing": "had nobody died"}


_IMPUTED = {
    "at_random": "scores imputed as missing at random are those that patients would have had "
    "without leaving the trial (hypothetical)",
    "jump_to_reference": "scores after an event are imputed by jump to reference (an assumption)",
    "copy_reference": "scores after an event are imputed by copy reference (an assumption)",
    "copy_increments": "scores after an event are imputed by copy increments in reference (an "
    "assumption)",
}


_DISCONTINUED = {
    "as_missing": "scores after treatment was discontinued do not count",
    "worst_rank": "discontinued treatment counts as the worst outcome (composite)",
}


def _others(trial: Scenario) -> Iterator[str]:
    """Yield what in a trial's plan makes its analysis one for another estimand."""
    plan: AnalysisPlan = trial.analysis
    if plan.missing == "worst_rank":
        yield "a missing score counts as the worst outcome (composite)"
    if plan.missing == "multiple_imputation":
        yield _IMPUTED[(plan.imputation or AT_RANDOM).model]
        if (plan.imputation or AT_RANDOM).delta != 0:
            yield "scores imputed after an event are shifted by a delta (an assumption)"
    if trial.operations.discontinuation.probability > 0 and plan.discontinuation != "as_observed":
        yield _DISCONTINUED[plan.discontinuation]
    if plan.missing == "likelihood":
        yield (
            "scores left missing, as at random, count as those that patients would have had "
            "without leaving the trial (hypothetical)"
        )
    if plan.minimum_infusion_share > 0:
        yield "patients with few infusions are left out (per protocol)"

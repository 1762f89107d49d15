"""A margin lies on the side of no difference that its claim needs, on the scale of the analysis."""

from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import Programme

WHOLE = load("cars1")
CARS1 = WHOLE.replace(
    {
        "analysis.secondary": {},
        "outcome_correlation": {},
        **{f"outcomes.{name}": None for name in WHOLE.outcomes if name not in ("arat", "nihss")},
    }
)
"""With two outcomes and one analysis."""
ONE_SIDED = {"alternative": "greater", "alpha": 0.025, "interval": "logit"}
NO_WORSE = {**ONE_SIDED, "claim": "non_inferiority", "margin": 0.45}
ALIKE = {"interval": "logit", "claim": "equivalence", "margin": 0.4, "upper_margin": 0.6}
RESPONDERS = {"method": "responders", "threshold": 40}
MEANS = {"test": "welch", "death": "as_missing"}


def refusals(**changes: Any) -> str:
    with pytest.raises(InputError) as refused:
        CARS1.replace({f"analysis.{name}": value for name, value in changes.items()})
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({**NO_WORSE, "margin": 0.55}, "margin: must be a Mann-Whitney effect between 0 and 0.5"),
        (
            {**NO_WORSE, "claim": "superiority_by_margin"},
            "margin: must be a Mann-Whitney effect be",
        ),
        (
            {**NO_WORSE, "effect": "win_odds", "margin": 1.2},
            "win odds between 0 and 1 with non_inf",
        ),
        ({**NO_WORSE, "effect": "net_benefit", "margin": 0.2}, "net benefit between -1 and 0 with"),
        ({**NO_WORSE, **MEANS}, "margin: must be a mean difference below 0 with non_inferiority"),
        ({**NO_WORSE, "test": RESPONDERS}, "margin: must be a risk difference between -1 and 0 wi"),
        (
            {**NO_WORSE, "test": {**RESPONDERS, "effect": "risk_ratio"}, "margin": 1.0},
            "margin: must be a risk ratio between 0 and 1 with non_inferiority (1 is no ",
        ),
        (
            {**NO_WORSE, "test": "proportional_odds", "claim": "superiority_by_margin"},
            "margin: must be an odds ratio above 1 with superiority_by_margin",
        ),
        ({**NO_WORSE, "margin": None}, "margin: must be given with non_inferiority"),
        (
            {"margin": 0.45},
            "margin: must be left out unless claim is superiority_by_margin, non_inf",
        ),
        ({**ALIKE, "upper_margin": None}, "upper_margin: must be given with equivalence"),
        (
            {**ALIKE, "upper_margin": 0.45},
            "upper_margin: must be a Mann-Whitney effect between 0.5",
        ),
        ({**NO_WORSE, "upper_margin": 0.6}, "upper_margin: must be left out with non_inferiority"),
        (
            {**NO_WORSE, "alternative": "two-sided"},
            "alternative: must be greater with non_inferior",
        ),
        ({**ALIKE, "alternative": "greater"}, "alternative: must be two-sided with equivalence"),
        (
            {**NO_WORSE, "interval": "null_variance"},
            "interval: must be delong, brunner-munzel, logi",
        ),
        (
            {**NO_WORSE, "continuity_correction": True},
            "continuity_correction: must be false with n",
        ),
        (
            {**NO_WORSE, "test": "exact_mann_whitney"},
            "claim: must be superiority with exact_mann_w",
        ),
        (
            {**NO_WORSE, "test": {"method": "wei_lachin", "outcomes": ["arat", "nihss"]}},
            "test.variance: must be placement with non_inferiority",
        ),
        (
            {
                **NO_WORSE,
                "test": {"method": "proportional_odds", "interval": "profile"},
                "margin": 0.8,
            },
            "test.interval: must be wald with non_inferiority",
        ),
    ],
)
def test_a_claim_that_cannot_be_made_is_refused_and_told_what_is_allowed(
    changes: dict[str, Any], told: str
) -> None:
    assert told in refusals(**changes)


def test_a_secondary_analysis_takes_the_margin_over_on_its_own_scale_alone() -> None:
    """A claim said anew stands alone: superiority has no margin."""
    other = {"later": {"visit": "day_42"}, "shown": {"claim": "superiority"}}
    study = CARS1.replace(
        {f"analysis.{name}": one for name, one in {**NO_WORSE, "secondary": other}.items()}
    )
    later, shown = study.analysis.further.values()
    assert (later.claim, later.margin) == ("non_inferiority", 0.45)
    assert (shown.claim, shown.margin) == ("superiority", None)
    responders = {"responders": {"test": RESPONDERS}}
    told = refusals(**NO_WORSE, secondary=responders)
    assert (
        "secondary.responders.claim: must be given: the margin of the primary analysis is a" in told
    )
    points = {**NO_WORSE, **MEANS, "margin": -3.0, "secondary": {"nihss": {"endpoint": "nihss"}}}
    assert "secondary.nihss.claim: must be given" in refusals(**points)


def test_what_has_no_test_of_a_margin_refuses_it() -> None:
    sequential = load("cars_sequential").replace({"analysis.secondary": {}})
    changes = {f"analysis.{name}": value for name, value in NO_WORSE.items()}
    with pytest.raises(InputError, match="monitoring: must be left out with non_inferiority"):
        sequential.replace(changes)
    pooled = load_study("cars_pooled")
    assert isinstance(pooled, Programme)
    name = next(iter(pooled.trials))
    inside = {f"trials.{name}.{path}": value for path, value in changes.items()}
    with pytest.raises(InputError, match="claim: must be superiority in a trial that is pooled"):
        pooled.replace(inside)

"""What events depend on and do is said in sentences, and nothing of what cannot happen."""

from typing import Any, Final

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.words.description import as_text, describe
from trialsim.scenario.words.events import events_in_words
from trialsim.scenario.words.harms import harms

CARS1: Final = load("cars1")
WORSE: Final = {"log_odds_per_unit": -0.05, "reference": 30}
EVENTFUL: Final[dict[str, Any]] = {
    "operations.rescue": {
        "probability": 0.3,
        "drug_effect_half_life_days": 0,
        "effects": {"arat": {"anchor": "mean_difference", "value": 5, "full_after_days": 10}},
    },
    "operations.switching": {"probability": 0.3, "to": "placebo"},
    "operations.discontinuation.drug_effect_half_life_days": 14.0,
    "operations.withdrawal.scores": {"arat": {"seen": "last_observed", **WORSE}},
    "operations.visit_missed_odds": {"scores": {"arat": {"seen": "unseen", **WORSE}}},
}


def test_each_thing_that_events_depend_on_or_do_is_a_sentence() -> None:
    study = CARS1.replace(EVENTFUL)
    arat = "Action Research Arm Test"
    assert list(events_in_words(study)) == [
        "What effect the drug has at discontinuation of the infusions is halved in every 14 days "
        "from then on.",
        "What effect the drug has at a rescue treatment is lost at once from then on.",
        f"A rescue treatment has an effect of its own on {arat}, in any arm: a mean difference of "
        "5, in full after 10 days.",
        "The odds of withdrawal between two visits change by -0.05 on the logarithm for one more "
        f"on {arat} (reference 30 points): by the last score observed before (missing at random).",
        "After switching, infusions contain the study drug of Saline, whose own patients never "
        "switch.",
        f"The odds that a visit is missed change by -0.05 on the logarithm for one more on {arat} "
        "(reference 30 points): by the score at that visit itself (missing not at random, which no "
        "data can show).",
    ]
    assert "After switching, infusions contain" in as_text(describe(study))


def test_nothing_is_said_of_what_cannot_happen() -> None:
    assert list(events_in_words(CARS1)) == []
    never = {**EVENTFUL, "operations.visit_missed_probability": 0.0}
    for kind in ("rescue", "switching"):
        never[f"operations.{kind}"] = {**EVENTFUL[f"operations.{kind}"], "probability": 0.0}
    for kind in ("withdrawal", "discontinuation"):
        never[f"operations.{kind}.probability"] = 0.0
    assert list(events_in_words(CARS1.replace(never))) == []


def test_a_rescue_treatment_that_harms_is_warned_of() -> None:
    assert harms(CARS1.replace(EVENTFUL)) == ()
    study = CARS1.replace(EVENTFUL).replace({"operations.rescue.effects.arat.value": -5.0})
    assert harms(study) == (
        "cars1: operations.rescue.effects.arat: mean_difference -5 makes the patients worse who "
        "are rescued",
    )

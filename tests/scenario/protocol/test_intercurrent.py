"""Events that cannot be meant are refused, each at its place; what a page shows can be read."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "intercurrent_events.md"
WRONG: Final = {
    "scores of outcomes that there are not": (
        """\
        extends: cars1
        operations:
          withdrawal:
            scores: {aret: {seen: last_observed, log_odds_per_unit: 1, reference: 0}}
          visit_missed_odds:
            scores: {arat: {seen: never, log_odds_per_unit: 1}}
            arms: {plcebo: {odds_ratio: 2}}
        """,
        [
            "operations.withdrawal.scores.aret: must be an outcome that exists; did you mean arat?",
            "operations.visit_missed_odds.scores.arat.seen: must be last_observed or unseen",
            "operations.visit_missed_odds.scores.arat.reference: must be given",
            "operations.visit_missed_odds.arms.plcebo: must be an arm that exists; did you mean "
            "placebo?",
        ],
    ),
    "rescue": (
        """\
        extends: cars1
        operations:
          rescue:
            probability: 1.5
            drug_effect_half_life_days: -1
            effects:
              arat: {anchor: theta, value: 1.2}
              mrs: {anchor: mean_difference, value: 50}
              mrss: {anchor: odds_ratio, value: 2}
        """,
        [
            "operations.rescue.probability: must be less than or equal to 1 (got 1.5)",
            "operations.rescue.drug_effect_half_life_days: must be greater than or equal to 0",
            "operations.rescue.effects.arat.value: must lie between 0 and 1 for a theta (got 1.2)",
            "operations.rescue.effects.mrs.value: must lie between",
            "operations.rescue.effects.mrss: must be an outcome that exists; did you mean mrs?",
        ],
    ),
    "ends by scores that are not there yet, where patients wait": (
        """\
        extends: cars1
        operations:
          infusion_chairs_per_site: 3
          withdrawal:
            scores: {arat: {seen: unseen, log_odds_per_unit: -0.05, reference: 30}}
          discontinuation:
            scores:
              arat: {seen: last_observed, log_odds_per_unit: -0.05, reference: 30}
              mrs: {seen: unseen, log_odds_per_unit: 0.5, reference: 3}
          rescue:
            probability: 0.1
            scores: {arat: {seen: unseen, log_odds_per_unit: -0.05, reference: 30}}
          switching:
            probability: 0.1
            to: placebo
            scores: {arat: {seen: unseen, log_odds_per_unit: -0.05, reference: 30}}
          visit_missed_odds:
            scores: {arat: {seen: unseen, log_odds_per_unit: -0.05, reference: 30}}
        """,
        [
            "operations.discontinuation.scores.mrs.seen: must be last_observed where patients wait "
            "for chairs (infusion_chairs_per_site 3)",
            "operations.withdrawal.scores.arat.seen: must be last_observed where patients wait for "
            "chairs (infusion_chairs_per_site 3), since the next score depends on who waits until "
            "then, and who waits on this event; or set operations.infusion_chairs_per_site to null "
            "(got unseen)",
        ],
    ),
    "switching to nothing": (
        """\
        extends: cars1
        operations:
          switching: {probability: 0.1}
        """,
        ["operations.switching.to: must name the arm whose study drug is given from then on"],
    ),
    "switching to what is not there": (
        """\
        extends: cars1
        operations:
          switching: {probability: 0.1, to: cerebro}
        """,
        ["operations.switching.to: must be an arm that exists; did you mean cerebrolysin?"],
    ),
    "switching from the arm that is switched to": (
        """\
        extends: cars1
        operations:
          switching: {probability: 0.1, to: placebo, arms: {placebo: {odds_ratio: 2}}}
        """,
        [
            "operations.switching.arms.placebo: must not be the arm that patients switch to, who "
            "have its study drug already",
        ],
    ),
    "scores written as covariates": (
        """\
        extends: cars1
        operations:
          death:
            drug_effect_half_life_days: 3
            covariates: {mrs: {log_odds_per_unit: 1, reference: 0}}
        """,
        [
            "operations.death.drug_effect_half_life_days: is not known",
            "operations.death.covariates.mrs: must be a covariate that exists",
        ],
    ),
}


BY_UNSEEN: Final = {"arat": {"seen": "unseen", "log_odds_per_unit": -0.05, "reference": 30}}


@pytest.mark.parametrize(
    "allowed",
    [
        {"operations.infusion_chairs_per_site": None},
        {"operations.infusion_chairs_per_site": 208},
        {"operations.withdrawal.probability": 0},
    ],
)
def test_ends_may_go_by_the_unseen_score_where_nobody_can_wait_on_them(
    allowed: dict[str, object],
) -> None:
    """Without chairs, with one for every patient, or with an end that does not happen."""
    changes = {"operations.infusion_chairs_per_site": 3, "operations.withdrawal.scores": BY_UNSEEN}
    with pytest.raises(InputError, match=r"^operations\.withdrawal\.scores\.arat\.seen: must be"):
        load("cars1").replace(changes)
    risk = load("cars1").replace({**changes, **allowed}).operations.withdrawal.scores["arat"]
    assert risk.seen == "unseen"


@pytest.mark.parametrize("what", WRONG)
def test_events_that_cannot_be_meant_are_refused_at_their_places(what: str, tmp_path: Path) -> None:
    written, expected = WRONG[what]
    path = tmp_path / "study.yaml"
    path.write_text(dedent(written), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load(path)
    told = [str(problem) for problem in raised.value.problems]
    assert len(told) == len(expected), told
    for line in expected:
        assert any(line in one for one in told), (line, told)


def test_each_study_of_the_page_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        path = tmp_path / "study.yaml"
        path.write_text("extends: cars1\n" + block.replace("extends: cars1\n", ""), "utf-8")
        assert load(path).operations.events["death"].probability > 0


def test_defaults_that_are_left_out_keep_the_digest() -> None:
    plain = load("cars1")
    same = plain.replace(
        {
            "operations.rescue": {"probability": 0.0},
            "operations.withdrawal.scores": {},
            "operations.withdrawal.drug_effect_half_life_days": None,
            "operations.visit_missed_odds": {},
        }
    )
    assert same.digest == plain.digest
    assert plain.replace({"operations.rescue.probability": 0.1}).digest != plain.digest

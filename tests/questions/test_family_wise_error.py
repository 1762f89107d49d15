"""The family-wise error of every configuration of true null hypotheses, on the same trials."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from trialsim.analysis.endpoint import in_subgroup
from trialsim.errors import InputError
from trialsim.questions.family_wise_error import (
    Effect,
    FamilyWiseErrors,
    configurations,
    family_wise_errors,
    without_effects,
)
from trialsim.questions.type_one_error import type_one_error, without_effect
from trialsim.reporting.interactive import line, text
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

REPLICATES = 400
DOSES = ("primary", "dose_30", "dose_60")


def doses(procedure: str | None) -> Scenario:
    """Return three doses with large effects, tested together or each by itself."""
    family = {"analyses": list(DOSES), "procedure": procedure}
    together = {"procedure": "families", "families": {"doses": family}}
    return load("dose_finding").replace(
        {
            "design.patients": 80,
            "outcomes.adas_cog.effect.value": 12.0,
            "outcomes.adas_cog.effect.exposure": {
                "model": "threshold",
                "full_dose": 360,
                "needed_dose": 100,
            },
            "analysis.secondary": {name: {"treated": name} for name in DOSES[1:]},
            "analysis.test": "t_test",
            "analysis.multiplicity": "none" if procedure is None else together,
        }
    )


@pytest.fixture(scope="module")
def found() -> FamilyWiseErrors:
    return family_wise_errors(doses("holm"), REPLICATES, n_jobs=1)


def test_every_set_of_true_hypotheses_has_a_row(found: FamilyWiseErrors) -> None:
    assert len(found.errors) == 2**3 - 1
    assert DOSES in found.errors
    assert found.to_frame()["true"].tolist()[0] == "primary"
    told = found.to_dict()
    assert [row["true"] for row in told["configurations"]] == [list(one) for one in found.errors]
    assert told["worst"] == list(found.worst)
    assert "Largest family-wise error" in line(found)
    assert "primary, dose 30 and dose 60" in text(found)


def test_a_procedure_bounds_the_error_of_all_and_no_adjustment_does_not(
    found: FamilyWiseErrors,
) -> None:
    """4 binomial standard errors of 400 trials about 5%; unadjusted it is about 12%."""
    margin = 4 * np.sqrt(0.05 * 0.95 / REPLICATES)
    for error in found.errors.values():
        assert error.estimate < 0.05 + margin
    by_itself = family_wise_errors(doses(None), REPLICATES, n_jobs=1)
    assert by_itself.worst == DOSES
    assert by_itself.errors[DOSES].estimate > 0.05 + margin


def test_where_nothing_has_an_effect_it_is_the_type_one_error_of_any() -> None:
    """Oracle: the study without effect, whose success is any rejection."""
    study = doses("step_down_dunnett")
    null = type_one_error(study.replace({"analysis.success": "any"}), 80, n_jobs=1)
    assert family_wise_errors(study, 80, n_jobs=1).errors[DOSES].estimate == null.error.estimate
    assert null.error.estimate > 0


def test_an_effect_is_taken_from_one_arm_on_one_outcome_alone() -> None:
    study = doses("holm")
    streams = Streams(3, range(4))
    trial, twin = simulate_batch(study, streams), simulate_batch(without_effect(study), streams)  # type: ignore[arg-type]
    changed = without_effects(trial, twin, frozenset({Effect("adas_cog", "dose_30", frozenset())}))
    arm = trial.arms == list(study.design.arms).index("dose_30")
    for outcome in study.outcomes:
        own = twin if outcome == "adas_cog" else trial
        assert_array_equal(changed.scores[outcome][arm], own.scores[outcome][arm])
        assert_array_equal(changed.scores[outcome][~arm], trial.scores[outcome][~arm])
    assert (twin.underlying["adas_cog"][arm] != trial.underlying["adas_cog"][arm]).any()


def test_hypotheses_about_the_same_effects_are_true_together() -> None:
    """A test of several outcomes is true where all of theirs are, and of one outcome two are."""
    study = load("cars1").replace(
        {
            "analysis.secondary": {
                "change": {"measure": "change"},
                "both": {"test": {"method": "wei_lachin", "outcomes": ["arat", "nihss"]}},
            }
        }
    )
    known = configurations(study)
    assert list(known) == [("primary", "change"), ("primary", "change", "both")]
    assert known[("primary", "change")] == {Effect("arat", "cerebrolysin", frozenset())}


def test_what_has_no_such_configurations_is_refused() -> None:
    looks = load("cars_sequential")
    with pytest.raises(InputError, match="monitoring: must be left out"):
        family_wise_errors(looks, 4, n_jobs=1)
    many = {f"more_{place}": {"measure": "change"} for place in range(5)}
    with pytest.raises(InputError, match=r"must test at most 4 analyses together \(got 6\)"):
        family_wise_errors(load("cars1").replace({"analysis.secondary": many}), 4, n_jobs=1)
    active = load("dose_finding").replace({"analysis.control": "dose_30", "analysis.secondary": {}})
    with pytest.raises(InputError, match=r"design\.arms\.dose_30: must have no study drug"):
        family_wise_errors(active, 4, n_jobs=1)


def test_a_test_of_all_doses_is_true_where_no_dose_has_an_effect() -> None:
    """Oracle: the same study without effect."""
    study = load("alvarez2011_mcp_mod").replace({"design.patients": 60})
    doses = ("dose_10", "dose_30", "dose_60")
    gone = frozenset(Effect("cibic_change", dose, frozenset()) for dose in doses)
    assert configurations(study) == {("primary",): gone}
    found = family_wise_errors(study, 100, n_jobs=1).errors["primary",]
    assert found.estimate == type_one_error(study, 100, n_jobs=1).error.estimate > 0


SEVERE = {"label": "Severe", "covariate": "nihss", "more_than": 9}


def test_a_subgroup_can_be_without_the_effect_that_all_others_have() -> None:
    """The twin's scores are those of its members alone; where nobody has an effect it has none."""
    family = {
        "analyses": ["primary", "severe"],
        "procedure": "spiessens_debois",
        "weights": {"primary": 0.8},
    }
    study = load("cars1").replace(
        {
            "analysis.secondary": {"severe": {"subgroup": SEVERE}},
            "analysis.multiplicity": {"procedure": "families", "families": {"both": family}},
        }
    )
    known = configurations(study)
    assert list(known) == [("primary", "severe"), ("severe",)]
    streams = Streams(2016, range(4))
    null = without_effect(study)
    assert isinstance(null, Scenario)
    trial, twin = (simulate_batch(one, streams) for one in (study, null))
    changed = without_effects(trial, twin, known["severe",]).underlying.at("arat", 4)
    severe = in_subgroup(trial, study.analysis.every["severe"])
    expected = [one.underlying.at("arat", 4) for one in (twin, trial)]
    assert_array_equal(changed, np.where(severe, *expected))
    assert (expected[0] != expected[1])[severe].any()

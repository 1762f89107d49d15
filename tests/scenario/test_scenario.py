"""A what-if is the same scenario with some paths replaced, or another analysis as primary."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialsim as ts
from trialsim.distributions import plain_of
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.patients.eligibility import Eligibility
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.sources import source_of

CARS1 = load("cars1")


def problems(changes: dict[str, object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        CARS1.replace(changes)
    return str(caught.value).splitlines()


def test_a_replaced_value_is_there_and_the_old_scenario_stays() -> None:
    bigger = CARS1.replace({"design.patients": 300})
    assert (bigger.design.patients, CARS1.design.patients) == (300, 208)


def test_several_values_are_replaced_at_once() -> None:
    changed = CARS1.replace({"design.patients": 99, "operations.infusion_chairs_per_site": 2})
    assert changed.design.patients == 99
    assert changed.operations.infusion_chairs_per_site == 2


def test_a_choice_of_a_method_can_be_changed_that_its_file_need_not_say() -> None:
    """Oracle: the whole method given, of the primary and of a secondary analysis."""
    times = load("cars1_recovery")
    told = {"method": "log_rank", "threshold": 45, "ties": "breslow"}
    assert times.replace({"analysis.test.ties": "breslow"}) == times.replace(
        {"analysis.test": told}
    )
    days = "analysis.secondary.days_recovered.test"
    told = {"method": "restricted_mean", "threshold": 45, "horizon_days": 30}
    shorter = times.replace({f"{days}.horizon_days": 30})
    assert shorter == times.replace({days: told})
    assert shorter.replace({f"{days}.horizon_days": None}).digest == times.digest
    means = CARS1.replace({"analysis.test": "ancova", "analysis.death": "as_missing"})
    by_arm = means.replace({"analysis.test.slopes": "by_arm"})
    assert by_arm == means.replace({"analysis.test": {"method": "ancova", "slopes": "by_arm"}})
    with pytest.raises(InputError, match=r"did you mean analysis\.test\.ties"):
        times.replace({"analysis.test.tiez": "breslow"})


def test_only_what_changes_is_read_again_and_the_study_is_as_if_all_were() -> None:
    """A change by path is the same as a whole study in other words, but for its objects."""
    looked = load("cars_sequential")
    later = looked.replace({"monitoring.looks.first.when.known": 0.6, "title": "Later"})
    assert later == Scenario.model_validate(later.model_dump())
    assert later.model_dump_json() == Scenario.model_validate(later.model_dump()).model_dump_json()
    other = [one for one in Scenario.model_fields if getattr(later, one) != getattr(looked, one)]
    assert other == ["title", "monitoring", "sources"]
    assert later.operations is looked.operations
    assert later.sources["monitoring.looks.first.when.known"].status == "assumed"


def test_a_change_of_a_changed_study_reads_what_it_is_now() -> None:
    """What a study remembers of its content is that of each study, and of each copy of a part."""
    sizes: dict[str, object] = {"outcomes.mrs.effect.value": 0.51, "design.patients": 300}
    changed = CARS1.replace(sizes).replace({"operations.infusion_chairs_per_site": 2})
    afresh = Scenario.model_validate(changed.model_dump())
    assert changed.outcomes["arat"] is CARS1.outcomes["arat"]
    assert changed == afresh
    assert changed.digest == afresh.digest
    assert plain_of(changed.design) == changed.design.model_dump()
    copied = changed.model_copy(update={"design": CARS1.design})
    assert copied.digest == changed.replace({"design.patients": 208}).digest != changed.digest


def test_rules_are_held_to_a_change_of_either_part_that_they_need() -> None:
    gone = "must be a covariate that exists"
    assert gone in problems({"operations.onset_to_arrival_hours": "nobody"})[0]
    covariate = f"population.covariates.{CARS1.operations.onset_to_arrival_hours}"
    assert any(gone in one for one in problems({covariate: None}))
    turned = dict(reversed(CARS1.model_dump()["outcomes"].items()))
    assert "must be an outcome that stands before" in problems({"outcomes": turned})[0]


def test_a_part_that_is_taken_away_has_its_default() -> None:
    assert load("cars_sequential").replace({"monitoring": None}).monitoring is None
    without = CARS1.replace({"eligibility": None})
    assert without.eligibility == Eligibility()
    assert without.sources["eligibility"].note == ("the default, where the file does not say it")


def test_every_unknown_path_offers_the_nearest_known_one() -> None:
    assert problems({"design.patient": 1, "operation.infusion_minutes": 2}) == [
        "design.patient: must be a path that exists; did you mean design.patients?",
        "operation.infusion_minutes: must be a path that exists; did you mean "
        "operations.infusion_minutes?",
    ]


def test_a_path_like_none_but_in_the_part_that_holds_it_is_offered_none() -> None:
    paths = ["design.interims", "operations.depot", "analysis.flavour", "population.zzz"]
    assert problems(dict.fromkeys(paths, 1)) == [
        f"{path}: must be a path that exists" for path in paths
    ]


def test_every_value_out_of_range_is_told() -> None:
    assert problems({"design.patients": 1, "analysis.alpha": 0.7, "design.block_size": 3}) == [
        "design.patients: must be greater than or equal to 2 (got 1)",
        "analysis.alpha: must be less than 0.5 (got 0.7)",
        "design.block_size: must be a multiple of the sum of the arms' ratios, 2 (got 3)",
    ]


@pytest.mark.parametrize("value", ["300", True, 300.0, None, float("nan"), [300]])
def test_only_a_whole_number_of_patients_is_taken(value: object) -> None:
    (told,) = problems({"design.patients": value})
    assert told.startswith("design.patients: must be a whole number")


def test_a_number_of_numpy_is_a_number() -> None:
    changes = {"design.patients": np.int64(300), "analysis.alpha": np.float64(0.01)}
    assert CARS1.replace(changes).digest == (
        CARS1.replace({"design.patients": 300, "analysis.alpha": 0.01}).digest
    )


def test_a_secondary_analysis_can_be_given_what_it_had_from_the_primary_one() -> None:
    study = load("cars1_estimands")
    path = "analysis.secondary.imputed_at_random.imputations"
    changed = study.replace({path: 5})
    assert changed.analysis.further["imputed_at_random"].imputations == 5
    assert changed.analysis.imputations == study.analysis.imputations
    assert changed.sources[path].status == "assumed"
    assert changed.replace({path: None}).digest == study.digest
    assert study.replace({path: None}).digest == study.digest
    with pytest.raises(InputError, match="imputationz: must be a path that exists"):
        study.replace({"analysis.secondary.failure.imputationz": 5})


def test_a_path_cannot_be_changed_together_with_one_that_holds_it() -> None:
    rule = "eligibility.inclusion.age"
    assert problems({rule: None, f"{rule}.at_least": 50}) == [
        f"{rule}.at_least: must not be changed together with {rule}, which holds it"
    ]


def test_none_takes_a_rule_or_a_site_away() -> None:
    fewer = CARS1.replace({"eligibility.exclusion.coma": None, "operations.sites.site_12": None})
    assert "coma" not in fewer.eligibility.rules
    assert len(fewer.operations.sites) == 11


def test_a_grade_of_a_discrete_margin_has_a_path() -> None:
    margin = "population.covariates.goodglass_kaplan.margin.values"
    changed = CARS1.replace({f"{margin}.0": 0.05, f"{margin}.1": 0.04})
    values = changed.population.covariates["goodglass_kaplan"].margin.model_dump()["values"]
    assert (values[0], values[1]) == (0.05, 0.04)


@settings(derandomize=True, max_examples=10, deadline=None)
@given(patients=st.integers(2, 5000), alpha=st.floats(0.001, 0.4), minutes=st.integers(1, 600))
def test_changing_back_gives_the_same_digest(patients: int, alpha: float, minutes: int) -> None:
    paths = ("design.patients", "analysis.alpha", "operations.infusion_minutes")
    there = CARS1.replace(dict(zip(paths, (patients, alpha, minutes), strict=True)))
    back = there.replace(dict(zip(paths, (208, 0.05, 60), strict=True)))
    assert back.digest == CARS1.digest
    assert (there.digest == CARS1.digest) == ((patients, alpha, minutes) == (208, 0.05, 60))


def test_the_digest_changes_with_every_number() -> None:
    """Each change is the least that its path allows."""
    changes: dict[str, object] = {
        "design.patients": 209,
        "analysis.alpha": 0.0500001,
        "operations.sites.site_12.activation_day": 113,
        "population.correlation.nihss.arat": -0.5000001,
        "outcomes.arat.course.end_mean": 25.4000001,
        "design.visits.day_90.window_days": 4,
        "eligibility.inclusion.age.at_most": 84,
        "treatment.rehabilitation.session_minutes": 121,
    }
    digests = {CARS1.replace({path: value}).digest for path, value in changes.items()}
    assert len(digests | {CARS1.digest}) == len(changes) + 1


def test_the_digest_does_not_change_with_what_only_tells_of_the_study() -> None:
    told = CARS1.replace({"name": "other", "title": "Other", "summary": "Other", "sources": {}})
    assert told.digest == CARS1.digest
    assert told != CARS1


def test_a_scenario_travels_between_processes_whole() -> None:
    again = pickle.loads(pickle.dumps(CARS1))
    assert again == CARS1
    assert again.digest == CARS1.digest
    assert hash(again) == hash(CARS1)


def test_an_effect_does_not_keep_its_number_on_another_scale(tmp_path: Path) -> None:
    """0.722 is a strong theta and a harmful odds ratio."""
    cars1, effect = load("cars1"), "outcomes.arat.effect"
    with pytest.raises(InputError, match="must be given with another anchor"):
        cars1.replace({f"{effect}.anchor": "odds_ratio"})
    both = {f"{effect}.anchor": "odds_ratio", f"{effect}.value": 2.2}
    assert cars1.replace(both).outcomes["arat"].effect.value == 2.2
    assert cars1.replace({f"{effect}.anchor": "theta"}) == cars1
    variant = tmp_path / "variant.yaml"
    variant.write_text("extends: cars1\noutcomes: {arat: {effect: {anchor: odds_ratio}}}\n")
    with pytest.raises(InputError, match=r"outcomes\.arat\.effect\.value: must be given"):
        load(variant)


def test_an_analysis_taken_as_primary_has_the_result_it_had_as_secondary() -> None:
    planned = ts.analyse(ts.simulate(CARS1, seed=4)).secondary["global_status"]
    alone = ts.analyse(ts.simulate(CARS1.with_analysis("global_status"), seed=4))
    assert alone.primary == planned
    assert "global_status" not in alone.secondary


def test_an_analysis_taken_as_primary_keeps_the_sources_of_its_numbers() -> None:
    changed = CARS1.with_analysis("global_status")
    held = source_of("analysis.secondary.global_status.test", CARS1.sources)
    assert source_of("analysis.test", changed.sources) == held
    alpha = source_of("analysis.alpha", CARS1.sources)
    assert source_of("analysis.alpha", changed.sources) == alpha


def test_a_study_with_another_primary_analysis_is_one_to_which_no_finding_belongs() -> None:
    changed = CARS1.with_analysis("global_status")
    assert changed.digest != CARS1.digest
    assert not changed.findings
    assert not changed.calibrated


def test_an_unknown_analysis_is_refused_and_the_nearest_offered() -> None:
    with pytest.raises(InputError, match="did you mean global_status"):
        CARS1.with_analysis("global_state")

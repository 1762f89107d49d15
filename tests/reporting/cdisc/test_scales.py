"""Codes of scales: CDISC's where it has one for a scale of that name and range, else our own."""

import pytest

from trialsim.errors import InputError
from trialsim.reporting.cdisc.metadata import MOST_LABEL, MOST_NAME, Dataset
from trialsim.reporting.cdisc.scales import named_tests, short_name
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario


def test_codes_and_names_fit_and_differ_in_every_built_in_study() -> None:
    for name in builtin_studies():
        study = load_study(name)
        if isinstance(study, Scenario):
            tests = named_tests(study).all
            codes = [test.code for test in tests]
            assert len(set(codes)) == len(codes), name
            assert all(len(code) <= MOST_NAME and code[0].isalpha() for code in codes), name
            assert all(len(test.name) <= MOST_LABEL for test in tests), name


def test_scales_of_cars1_are_where_cdisc_has_them() -> None:
    tests = named_tests(load("cars1"))
    coded = {
        name: (one.domain, one.category, one.code, one.nci) for name, one in tests.outcomes.items()
    }
    assert coded["mrs"] == ("RS", "MRS", "MRS0101", "C111520")
    assert coded["nine_hole_peg"] == ("FT", "NHPT", "NHPT0101", "C115807")
    assert coded["geriatric_depression"] == ("QS", "GDS", "GDS0131", "C163949")
    own = {name for name, one in tests.outcomes.items() if one.nci is None}
    assert {"arat", "nihss", "barthel", "gait_velocity", "sf36_mental"} <= own
    assert tests.covariates["glasgow_coma_scale"].code == "GCS0104"
    assert tests.covariates["arat"] is tests.outcomes["arat"]


def test_a_scale_of_another_range_is_not_taken_for_that_of_cdisc() -> None:
    study = load("xiao1999")
    assert named_tests(study).outcomes["mmse"].nci == "C100586"
    outcome = study.outcomes["mmse"].model_copy(update={"high": 60.0})
    other = study.model_copy(update={"outcomes": {**study.outcomes, "mmse": outcome}})
    assert named_tests(other).outcomes["mmse"].nci is None


def test_codes_are_made_of_names_and_numbered_where_they_are_taken() -> None:
    taken: list[str] = []
    for _ in range(12):
        taken.append(short_name("walking_distance_m", taken))
    assert taken[0] == "WALKIDIM"
    assert taken[1:3] == ["WALKIDI2", "WALKIDI3"]
    assert taken[-1] == "WALKID12"
    assert short_name("6_minute_walk", ()).startswith("X6")
    with pytest.raises(InputError, match="must have a letter or a digit"):
        short_name("__", ())


def test_a_covariate_never_takes_the_name_of_a_variable_of_adsl(
    datasets: dict[str, Dataset],
) -> None:
    """Oracle: ADSL as it is written, without its covariates."""
    study = load("cars1")
    codes = {test.code for test in named_tests(study).covariates.values()}
    own = {variable.name for variable in datasets["ADSL"].variables} - codes
    assert len(own) == len(datasets["ADSL"].variables) - len(codes)
    sex = study.population.covariates["sex"]
    covariates = {name.lower(): sex for name in own}
    population = study.population.model_copy(update={"covariates": covariates})
    named = named_tests(study.model_copy(update={"population": population, "outcomes": {}}))
    assert not own & {test.code for test in named.covariates.values()}

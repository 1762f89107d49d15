"""A scenario file is read whole, with every variant below it, and written back the same."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.scenario.files.chosen import CHOSEN, trial_of
from trialsim.errors import InputError, Problem, RunError
from trialsim.questions.assurance.prior_files import load_prior
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.files.yaml_text import parsed_value, yaml_of


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(scenario: Path | str) -> Problem:
    """Return the one problem for which a file is refused, its file by its last name."""
    with pytest.raises(InputError) as caught:
        load(scenario)
    (problem,) = caught.value.problems
    assert "\n" not in str(problem)
    return problem


@pytest.mark.parametrize("name", CHOSEN)
def test_a_builtin_scenario_is_written_and_read_back_the_same(name: str, tmp_path: Path) -> None:
    scenario = trial_of(name)
    again = load(written(tmp_path, f"{name}.yaml", to_yaml(scenario)))
    assert again == scenario
    assert again.digest == scenario.digest


AWKWARD = st.sampled_from(
    [*" \n\t\r\x85\u2028\u2029\x00\x1b\x7f\x9b\ufeff'\"\\#:-?{}[],&*!|>%@`~éß小😀"]
)
WORDS = st.sampled_from(["", "null", "true", "1e3", "2016-11-25", "12:30", "word" * 9, "  ", ". "])
TEXTS = st.lists(AWKWARD | WORDS | st.characters(codec="utf-8"), max_size=30).map("".join)


@settings(max_examples=30)
@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=12))
@example(
    {"label": f"{'Haemorrhagic stroke ' * 5} Transformation is allowed".replace("ke T", "ke  T")}
)
@example({"label": "a\x85b", "next\x85line": "c\x85 d"})
def test_whatever_a_text_holds_is_written_and_read_back_the_same(texts: dict[str, str]) -> None:
    assert parsed_value(yaml_of(texts).encode().decode()) == texts


def test_a_label_longer_than_a_line_keeps_its_double_spaces_and_the_digest(tmp_path: Path) -> None:
    label = "Haemorrhagic stroke on computed tomography within a day of the onset.  " * 3 + "\x85"
    study = trial_of("cars1_null").replace({"eligibility.inclusion.age.label": label})
    assert load(written(tmp_path, "again.yaml", to_yaml(study))).digest == study.digest


def test_what_would_read_back_otherwise_is_not_written() -> None:
    with pytest.raises(RunError, match="reads back the same"):
        yaml_of({"count": (1, float("nan"))})


def test_nested_aliases_are_refused_before_they_are_followed(tmp_path: Path) -> None:
    """Nine levels of nine are 43 million values; a study that comes with the package has 3,000."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    file = written(tmp_path, "laughs.yaml", "\n".join(levels))
    assert "must hold at most 100,000 values" in refused(file).rule
    base = written(tmp_path, "variant.yaml", "extends: laughs.yaml")
    assert "must hold at most 100,000 values" in refused(base).rule
    with pytest.raises(InputError, match="must hold at most 100,000 values"):
        load_prior(file)


def test_a_value_that_holds_itself_is_refused(tmp_path: Path) -> None:
    assert "must hold at most" in refused(written(tmp_path, "self.yaml", "&a {b: *a}")).rule


def test_a_file_of_many_megabytes_is_refused_unread(tmp_path: Path) -> None:
    file = written(tmp_path, "large.yaml", "# " + "x" * 2_000_000)
    assert "must be a file of at most 2,000,000 bytes" in refused(file).rule


def test_the_four_studies_of_cars1_simulate_four_different_things() -> None:
    names = ("cars1", "cars1_registry", "cars1_null", "cars1_chairs")
    assert len({trial_of(name).digest for name in names}) == 4


def test_the_registered_criteria_are_those_of_the_registration() -> None:
    """Eligibility of EUCTR2007-000870-21, as listed by MedPath."""
    registered = set(trial_of("cars1_registry").eligibility.rules)
    assert registered == {
        "age",
        "ischaemic",
        "supratentorial",
        "lesion_volume",
        "arm_impairment",
        "communication",
        "prestroke_independence",
    }


def test_a_variant_changes_what_it_lists_and_nothing_else(tmp_path: Path) -> None:
    variant = load(written(tmp_path, "bigger.yaml", "extends: cars1\ndesign: {patients: 300}\n"))
    assert variant.digest == trial_of("cars1").replace({"design.patients": 300}).digest


def test_a_variant_without_a_name_is_called_like_its_file(tmp_path: Path) -> None:
    assert load(written(tmp_path, "bigger.yaml", "extends: cars1\n")).name == "bigger"


def test_a_variant_of_a_variant_takes_the_last_word_of_each(tmp_path: Path) -> None:
    written(tmp_path, "first.yaml", "extends: cars1\ndesign: {patients: 300, block_size: 8}\n")
    second = load(written(tmp_path, "second.yaml", "extends: first.yaml\ndesign: {patients: 99}\n"))
    assert (second.design.patients, second.design.block_size) == (99, 8)


def test_a_variant_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    written(tmp_path, "base.yaml", "extends: cars1\ndesign: {patients: 300}\n")
    path = written(tmp_path / "inner", "variant.yaml", "extends: ../base.yaml\n")
    assert load(path).design.patients == 300


def test_null_takes_an_entry_away(tmp_path: Path) -> None:
    text = "extends: cars1\neligibility: {inclusion: {age: null}}\n"
    rules = load(written(tmp_path, "anyage.yaml", text)).eligibility.rules
    assert set(trial_of("cars1").eligibility.rules) - set(rules) == {"age"}


def test_a_distribution_of_another_kind_replaces_the_whole_of_the_old_one(tmp_path: Path) -> None:
    margin = "{distribution: uniform, low: 45, high: 85}"
    text = f"extends: cars1\npopulation: {{covariates: {{age_years: {{margin: {margin}}}}}}}\n"
    changed = load(written(tmp_path, "flat.yaml", text)).population.covariates["age_years"].margin
    assert changed.model_dump() == {"distribution": "uniform", "low": 45.0, "high": 85.0}


def test_a_covariate_is_added_without_touching_code(tmp_path: Path) -> None:
    text = """\
extends: cars1
population:
  covariates:
    diabetes: {label: Diabetes, margin: {distribution: bernoulli, probability: 0.2}}
eligibility:
  exclusion:
    diabetes: {label: Diabetes, covariate: diabetes, equals: true}
"""
    assert "diabetes" in load(written(tmp_path, "diabetes.yaml", text)).eligibility.exclusion


def test_a_value_is_told_where_it_stands_in_the_file_below(tmp_path: Path) -> None:
    base = written(tmp_path, "base.yaml", "extends: cars1\ndesign:\n  patients: 1\n")
    text = "extends: base.yaml\noperations: {infusion_minutes: 0}\n"
    path = written(tmp_path, "variant.yaml", text)
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2:14: operations.infusion_minutes: must be greater than or equal to 1 (got 0)",
        f"{base}:3:3: design.patients: must be greater than or equal to 2 (got 1)",
    ]


def test_a_file_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    first = written(tmp_path, "first.yaml", "name: x\nextends: second.yaml\n")
    second = written(tmp_path, "second.yaml", "extends: third.yaml\n")
    third = written(tmp_path, "third.yaml", "\nextends: first.yaml\n")
    assert str(refused(first)) == (
        f"{third}:2:1: extends: must not lead back to the same file (got first.yaml)"
    )
    assert refused(second).file == str(first)


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("carz1", "must be a built-in scenario or the path of a YAML file; did you mean cars1?"),
        ("nowhere.yaml", "must be a scenario file that exists"),
        ("./", "must be a scenario file, not a folder"),
        ("[cars1]", "must be a built-in scenario or the path of a YAML file"),
        ("null", "must be a built-in scenario or the path of a YAML file"),
    ],
)
def test_a_base_that_cannot_be_had_is_told_at_its_line(
    base: str, told: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "variant.yaml", f"# a variant\nextends: {base}\n")
    problem = refused(path)
    assert (problem.file, problem.line, problem.column) == (str(path), 2, 1)
    assert (problem.path, problem.rule) == ("extends", told)


@pytest.mark.parametrize(
    ("content", "line", "column", "rule"),
    [
        (b"", 1, 1, "must not be empty"),
        (b"# nothing but this\n", 1, 1, "must not be empty"),
        (b"- a list\n", 1, 1, "must be a mapping of scenario parts"),
        (b"words\n", 1, 1, "must be a mapping of scenario parts"),
        (b"design:\n\tpatients: 1\n", 2, 1, "must not hold a tab here; indent and separate"),
        (b"name: x\nsummary: caf\xe9\n", 2, 13, "must be UTF-8 text"),
        (b"name: x\nsummary: a\x07b\n", 2, 11, "must not hold the control character #x07"),
        (b"design:\n  patients: 1\n  patients: 2\n", 3, 3, 'duplicate key "patients"'),
        (b"design: {1: x, true: y}\n", 1, 16, 'duplicate key "true"'),
        (b"design:\n  true: x\n  1: y\n", 3, 3, 'duplicate key "1"'),
        (b"name: !!python/object:os.system x\n", 1, 7, "must not bear a tag such as !!python/"),
        (b"design: !whole {patients: 1}\n", 1, 9, "must not bear a tag such as !whole"),
        (b"name:\n- !!str x\n", 2, 3, "must not bear a tag such as !!str"),
        (b"design: {patients: 1\nname: x\n", 2, 5, "must be YAML"),
        (b"name: 'x\n", 2, 1, "must be YAML"),
        (b"name: *x\n", 1, 7, "must be YAML: found undefined alias 'x'"),
        (b"name: x\n---\nname: y\n", 2, 1, "must be YAML: but found another document"),
        (b"name: x\ntitle: 2020-13-01\n", 2, 8, "must be YAML: month must be in 1..12"),
        (b"name: " + b"[" * 600, 1, 1, "must not be nested so deeply"),
    ],
)
def test_what_is_not_a_scenario_at_all_is_refused_in_one_line_at_its_place(
    content: bytes, line: int, column: int, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    problem = refused(path)
    assert (problem.file, problem.line, problem.column) == (str(path), line, column)
    assert problem.rule.startswith(rule)


def test_a_folder_is_no_scenario_file(tmp_path: Path) -> None:
    assert refused(tmp_path).rule == "must be a scenario file, not a folder"


def test_a_missing_file_is_told_apart_from_a_missing_name() -> None:
    assert refused("nowhere.yaml").rule == "must be a scenario file that exists"
    assert refused("cars1_nul").rule.endswith("; did you mean cars1_null?")


def test_a_file_may_use_anchors_merges_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = """\
\ufeffextends: cars1
design:
  arms:
    low: &arm {label: A low dose, dose_ml: 10, volume_ml: 100}
    middle: {<<: *arm, label: A middle dose, dose_ml: 20}
  block_size: 8
"""
    arms = load(written(tmp_path, "doses.yaml", text)).design.arms
    assert [arm.dose_ml for arm in arms.values()] == [30, 0, 10, 20]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("208", 208),
        ("1e-3", 0.001),
        ("12:30", "12:30"),
        ("true", True),
        ("'null'", "null"),
        ("{distribution: constant, value: 1}", {"distribution": "constant", "value": 1}),
    ],
)
def test_a_value_is_parsed_as_in_a_file(text: str, value: object) -> None:
    assert parsed_value(text) == value


def test_a_value_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(InputError, match="must be YAML"):
        parsed_value("{distribution: ")

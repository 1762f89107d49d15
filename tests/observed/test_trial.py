"""A data set is analysed by a plan as the simulated trial that it came from, and checked first."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.scenario.files.chosen import trial_of
from trialsim.analysis.analyse import Analysis, analyse
from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.errors import InputError
from trialsim.reporting.exports import write_analysed
from trialsim.reporting.tables.captions import caption_of_analysis
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial, simulate

CARS1 = trial_of("cars1").replace({"design.patients": 60})
PLANS: dict[str, dict[str, Any]] = {
    "as planned": {},
    "worst rank": {"missing": "worst_rank", "intercurrent": {"discontinuation": "composite"}},
    "as missing": {"intercurrent": {"discontinuation": "hypothetical"}, "measure": "change"},
    "per protocol": {"minimum_infusion_share": 0.9, "missing": "complete_case"},
    "strata": {"strata": "site", "alternative": "greater"},
    "subgroup": {"subgroup": {"label": "Men", "covariate": "sex", "equals": "male"}},
    "permutation": {
        "test": {"method": "permutation", "statistic": "mann_whitney", "permutations": 199}
    },
    "re-randomised": {
        "test": {"method": "re_randomisation", "statistic": "mann_whitney", "draws": 199}
    },
    "covariates": {
        "test": {"method": "adjusted_rank", "covariates": {"arat": "rank", "age_years": "mean"}}
    },
    "imputed": {"missing": "multiple_imputation", "imputations": 3},
    "mmrm": {"test": {"method": "mmrm", "covariates": ["lesion_volume_cm3"]}},
}
PLANS["mmrm"] |= {"missing": "likelihood", "death": "as_missing"}


def planned(changes: dict[str, Any]) -> Scenario:
    return CARS1.replace({f"analysis.{name}": value for name, value in changes.items()})


@cache
def analysed(study: Scenario) -> tuple[SimulatedTrial, Analysis]:
    """Return a trial of a study and its analysis, each made once."""
    trial = simulate(study, seed=7, replicate=3)
    return trial, analyse(trial)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scenario, str], Path]:
    """Return what writes a simulated trial to a folder, once."""

    @cache
    def write(study: Scenario, table_format: Any) -> Path:
        folder = tmp_path_factory.mktemp("written") / "data"
        write_analysed(folder, *analysed(study), "", table_format)
        return folder

    return write


@pytest.fixture
def kept(tmp_path: Path, written: Callable[[Scenario, str], Path]) -> Callable[..., Path]:
    """Return what gives the folder of a simulated trial, to be changed."""

    def copied(study: Scenario, table_format: str = "csv") -> Path:
        return Path(shutil.copytree(written(study, table_format), tmp_path / "data"))

    return copied


@pytest.mark.parametrize("plan", PLANS)
def test_a_written_trial_gives_its_analysis_back_to_the_bit(
    plan: str, kept: Callable[..., Path]
) -> None:
    """Its tables are the same, whatever the plan."""
    study = planned({**PLANS[plan], "secondary": {}})
    found = analyse(kept(CARS1), study)
    assert json.dumps(found.to_dict()) == json.dumps(analysed(study)[1].to_dict())
    assert found.simulated


EACH_ITS_OWN = {
    "discontinuation": "hypothetical",
    "drug_related_discontinuation": "composite",
    "rescue": "while_on_treatment",
    "switching": "principal_stratum",
}


def test_events_that_are_told_apart_come_back_and_are_asked_for(
    kept: Callable[..., Path],
) -> None:
    often = {"probability": 0.3, "days": {"distribution": "uniform", "low": 1, "high": 18}}
    study = planned({"intercurrent": EACH_ITS_OWN, "secondary": {}}).replace(
        {
            "operations.discontinuation": often,
            "operations.drug_related_discontinuation": often,
            "operations.rescue": often,
            "operations.switching": {**often, "to": "placebo"},
        }
    )
    folder, expected = kept(study), analysed(study)[1]
    assert json.dumps(analyse(folder, study).to_dict()) == json.dumps(expected.to_dict())
    for kind in EACH_ITS_OWN:
        without = study.replace({f"analysis.intercurrent.{kind}": "treatment_policy"})
        assert analyse(folder, study).primary != analyse(folder, without).primary, kind
    table = pd.read_csv(folder / "disposition.csv")
    few = ["replicate", "subject", "arm", "status", "ended_minute"]
    table[few].to_csv(folder / "disposition.csv", index=False)
    with pytest.raises(InputError) as refused:
        analyse(folder, study)
    for column in ("discontinued_minute", "discontinued_for_drug", "rescued_minute"):
        assert f"must have the column {column}" in str(refused.value)
    (folder / "disposition.csv").unlink()
    with pytest.raises(InputError, match="the plan handles discontinuation, drug_related"):
        analyse(folder, study)


@pytest.mark.parametrize(("name", "table_format"), [("cars1", "parquet"), ("guekht2011", "csv")])
def test_built_in_studies_come_back_in_either_format(
    name: str, table_format: str, kept: Callable[..., Path]
) -> None:
    study = trial_of(name)
    found = analyse(kept(study, table_format), study)
    assert json.dumps(found.to_dict()) == json.dumps(analysed(study)[1].to_dict())


def test_the_command_prints_what_simulate_printed(
    kept: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept(CARS1)
    options = ["--plan", "cars1", "--set", "design.patients=60", "--json"]
    assert run(["analyse", str(folder), *options]) == DONE
    told = json.loads(capsys.readouterr().out)
    written = json.loads((folder / "analysis.json").read_text())
    assert {name: told[name] for name in written} == written
    assert told["simulated"] is True


def minimal(folder: Path) -> pd.DataFrame:
    """Write visits alone, with arms and the scores that the plan needs."""
    whole = pd.read_csv(folder / "visits.csv")
    needed = whole[["subject", "arm", "visit", "arat"]]
    for file in folder.iterdir():
        file.unlink()
    needed.to_csv(folder / "visits.csv", index=False)
    return needed


def test_visits_alone_suffice_and_are_not_called_simulated(
    kept: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without deaths, whose scores are missing and carried forward, the numbers are the same."""
    folder = kept(CARS1)
    trial, before = analysed(CARS1)
    minimal(folder)
    study = planned({"secondary": {}})
    found = analyse(folder, study)
    deaths = trial.tables()["disposition"]["status"] == "died"
    if not deaths.any():
        assert (found.estimate, found.p_value) == (before.estimate, before.p_value)
    options = ["--plan", "cars1", "--set", "analysis.secondary.global_status=null"]
    assert run(["analyse", str(folder), *options]) == DONE
    assert "simulated" not in capsys.readouterr().out
    assert not found.simulated


@pytest.mark.parametrize(
    ("row", "column", "cell", "told"),
    [
        (4, "arm", "placbo", "visits.csv:6: arm: must be an arm of the plan; did you mean placebo"),
        (5, "visit", "day_9", "visits.csv:7: visit: must be a visit of the plan; did you mean day"),
        (6, "arat", 58, "visits.csv:8: arat: must be on the scale, 0 to 57 (got 58)"),
        (6, "arat", 3.5, "visits.csv:8: arat: must be on the scale, 0 to 57 (got 3.5)"),
        (6, "arat", "high", "visits.csv:8: arat: must be a number (got high)"),
        (
            1,
            "visit",
            "baseline",
            "visits.csv:3: visit: must stand once for subject 1 (got baseline)",
        ),
        (1, "arm", "cerebrolysin", "arm: must be that of the patient elsewhere, placebo"),
    ],
)
def test_what_the_plan_does_not_know_is_told_with_its_line(
    row: int, column: str, cell: Any, told: str, kept: Callable[..., Path]
) -> None:
    folder = kept(CARS1)
    table = minimal(folder).astype(object)
    table.loc[row, column] = cell
    table.to_csv(folder / "visits.csv", index=False)
    with pytest.raises(InputError) as refused:
        analyse(folder, planned({"secondary": {}}))
    assert told in str(refused.value)


def test_every_problem_of_a_data_set_is_told_at_once(
    kept: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept(CARS1)
    table = minimal(folder).astype(object)
    table.loc[3, "arat"], table.loc[9, "visit"] = -1, "week_1"
    table.rename(columns={"arm": "group"}).to_csv(folder / "visits.csv", index=False)
    assert run(["analyse", str(folder), "--plan", "cars1"]) == INPUT_WRONG
    lines = capsys.readouterr().err
    for told in ("must have the column arm", "visits.csv:5: arat", "visits.csv:11: visit"):
        assert told in lines
    assert "must have the column nihss" in lines


@pytest.mark.parametrize(
    ("table", "column", "cell", "told"),
    [
        ("disposition", "status", "moved", "status: must be completed, withdrawn, died or ongoing"),
        ("disposition", "subject", 999, "subject: must be in the table of subjects (got 999)"),
        ("infusions", "infusion", 99, "must be the number of a planned infusion, 1 to 21 (got 99)"),
        ("subjects", "subject", 2, "subject: must stand once (got 2)"),
        ("subjects", "site", "nowhere", "site: must be a site of the plan (got nowhere)"),
        ("visits", "due_minute", 10**7, "due_minute: must not lie before the visit before it"),
    ],
)
def test_wrong_tables_beside_the_visits_are_told_too(
    table: str, column: str, cell: Any, told: str, kept: Callable[..., Path]
) -> None:
    folder = kept(CARS1)
    file = folder / f"{table}.csv"
    content = pd.read_csv(file, dtype=object)
    content.loc[0, column] = cell
    content.to_csv(file, index=False)
    with pytest.raises(InputError) as refused:
        analyse(folder, CARS1)
    assert told in str(refused.value)


def test_a_folder_without_visits_and_a_missing_plan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must hold the table visits"):
        analyse(tmp_path, "cars1")
    with pytest.raises(InputError, match="must be a folder of tables"):
        analyse(tmp_path / "gone", "cars1")
    with pytest.raises(InputError, match="the study by whose plan the data are analysed"):
        analyse(tmp_path)


def test_a_covariate_that_an_analysis_needs_must_be_there(kept: Callable[..., Path]) -> None:
    study = planned({"secondary": {}, **PLANS["subgroup"]})
    folder = kept(study)
    (folder / "screening.csv").unlink()
    with pytest.raises(InputError, match="must hold the column sex in subjects or screening"):
        analyse(folder, study)


def test_a_figure_of_data_that_are_not_simulated_does_not_say_so(kept: Callable[..., Path]) -> None:
    folder = kept(CARS1)
    assert "imulated" in caption_of_analysis(analyse(folder, CARS1))
    minimal(folder)
    found = analyse(folder, planned({"secondary": {}}))
    assert caption_of_analysis(found) == f"Data of one trial, plan of cars1 ({found.digest})."


def test_a_plan_that_stratifies_by_site_needs_the_sites(kept: Callable[..., Path]) -> None:
    folder = kept(CARS1)
    minimal(folder)
    with pytest.raises(InputError, match="must have the column site"):
        analyse(folder, planned({"secondary": {}, "strata": "site"}))


def test_an_arm_that_is_compared_must_have_patients(
    kept: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept(CARS1)
    table = minimal(folder)
    table[table["arm"] == "placebo"].to_csv(folder / "visits.csv", index=False)
    options = ["--plan", "cars1", "--set", "design.patients=60"]
    assert run(["analyse", str(folder), *options]) == INPUT_WRONG
    assert "must have patients of the arm cerebrolysin, which the plan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "column"), [("infusions", "infusion"), ("disposition", "subject")]
)
def test_a_row_that_stands_twice_is_told(name: str, column: str, kept: Callable[..., Path]) -> None:
    folder = kept(CARS1)
    file = folder / f"{name}.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[-1]]))
    with pytest.raises(InputError) as refused:
        analyse(folder, CARS1)
    assert len(refused.value.problems) == 1
    told = f"{name}.csv:{len(lines) + 1}: {column}: must stand once"
    assert told in str(refused.value)


def test_files_of_another_separator_or_coding_are_told_once(kept: Callable[..., Path]) -> None:
    folder = kept(CARS1)
    file = folder / "visits.csv"
    text = file.read_text()
    file.write_text(text.replace(",", ";"))
    with pytest.raises(InputError, match=r"csv:1: separated by semicolons; commas are expected$"):
        analyse(folder, CARS1)
    file.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match=r"csv:1: must be UTF-8 text; it is UTF-16$"):
        analyse(folder, CARS1)


def test_a_full_stop_is_a_missing_score(kept: Callable[..., Path]) -> None:
    folder, study = kept(CARS1), planned({"secondary": {}})
    table = minimal(folder)
    found = []
    for missing in (".", ""):
        cells = table["arat"].astype(object)
        cells[:5] = missing
        table.assign(arat=cells).to_csv(folder / "visits.csv", index=False)
        found.append(analyse(folder, study).to_dict())
    assert json.dumps(found[0]) == json.dumps(found[1])


def edited(folder: Path, table: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Write a table of a data set anew."""
    file = folder / f"{table}.csv"
    edit(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)


def told_of(folder: Path, study: Scenario) -> list[str]:
    """Return what is told of a data set, without the folder."""
    with pytest.raises(InputError) as refused:
        analyse(folder, study)
    return str(refused.value).replace(f"{folder}/", "").splitlines()


def test_a_misspelt_column_is_told_once_with_the_one_that_is_meant(
    kept: Callable[..., Path],
) -> None:
    """Times and attendance were silently taken as not recorded."""
    folder = kept(CARS1)
    meant = {"attended": "atended", "arat": "ARAT", "due_minute": "due_minut"}
    edited(folder, "visits", lambda table: table.rename(columns=meant).assign(comment="none"))
    edited(folder, "subjects", lambda table: table.rename(columns={"site": "sites"}))
    rule = "must be a column that is known; did you mean"
    assert told_of(folder, CARS1) == [
        f"visits.csv:1: {rule} due_minute? (got due_minut)",
        f"visits.csv:1: {rule} attended? (got atended)",
        f"visits.csv:1: {rule} arat? (got ARAT)",
        f"subjects.csv:1: {rule} site? (got sites)",
    ]


ANCOVA = {"test": {"method": "ancova"}, "death": "as_missing", "secondary": {}}


@pytest.mark.parametrize(
    "changes",
    [
        ANCOVA,
        {**ANCOVA, "test": {"method": "mmrm"}, "missing": "likelihood"},
        {**ANCOVA, "test": {"method": "welch"}, "measure": "change"},
        {**ANCOVA, "test": {"method": "welch"}, "missing": "bocf"},
        {**ANCOVA, "test": {"method": "welch"}, "missing": "multiple_imputation"},
    ],
)
def test_an_analysis_that_uses_the_baseline_needs_one(
    changes: dict[str, Any], kept: Callable[..., Path]
) -> None:
    """Without it the estimate was nan and the p-value 1, and nothing was said."""
    folder = kept(CARS1)
    edited(folder, "visits", lambda table: table[table["visit"] != "baseline"])
    assert told_of(folder, planned(changes)) == [
        "visits.csv: visit: must have scores of arat at the visit baseline: an analysis uses them"
    ]
    assert analyse(folder, planned({"secondary": {}})).p_value < 1


def test_what_is_wrong_in_several_tables_and_in_covariates_is_told_together(
    kept: Callable[..., Path],
) -> None:
    study = planned(PLANS["covariates"] | {"secondary": {}})
    folder = kept(study)
    edited(folder, "screening", lambda table: pd.concat([table, table.head(1)]))
    edited(folder, "screening", lambda table: table.assign(age_years="old"))
    edited(folder, "visits", lambda table: table.assign(arm=["plcebo", *table["arm"][1:]]))
    edited(
        folder,
        "subjects",
        lambda table: table.assign(screening_number=["1", "0", *table["screening_number"][2:]]),
    )
    told = told_of(folder, study)
    assert (
        "visits.csv:2: arm: must be an arm of the plan; did you mean placebo? (got plcebo)" in told
    )
    assert any("age_years: must be a number (got old)" in line for line in told)
    assert "subjects.csv:3: screening_number: must be in the table of screening" in told
    assert any("screening_number: must stand once" in line for line in told)


def test_rows_of_nobody_and_tables_that_cannot_be_read_are_told_without_what_follows(
    kept: Callable[..., Path],
) -> None:
    folder = kept(CARS1)
    edited(folder, "subjects", lambda table: table.rename(columns={"subject": "patient"}))
    assert told_of(folder, CARS1) == ["subjects.csv:1: must have the column subject"]
    (folder / "subjects.csv").write_text("subject,arm\n1\n")
    (folder / "visits.csv").write_text("subject,subject\n1,2\n")
    assert told_of(folder, CARS1) == [
        "visits.csv:1: must name each column once (got subject)",
        "subjects.csv:2: must have 2 cells, as the header has (got 1)",
    ]

"""The baseline table of one trial: every covariate by arm, as CONSORT asks, without tests."""

from collections.abc import Iterator, Mapping

from pandas import DataFrame, Series

from trialsim.reporting.tables.page import Cell, Table, TableRow, mean_and_sd
from trialsim.scenario.patients.population import Covariate
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.scenario.words.values import unit_of

ALL = "all"


def baseline_table(tables: Mapping[str, DataFrame], scenario: Scenario) -> Table:
    """Return mean and SD of each numeric covariate, number and percentage of each level, by arm."""
    patients = patients_at_baseline(tables)
    arms = list(scenario.design.arms)
    groups = {arm: patients[patients["arm"] == arm] for arm in arms} | {ALL: patients}
    columns = [f"{spoken(name)} (n = {len(group):,})" for name, group in groups.items()]
    rows = [
        row
        for name, covariate in scenario.population.covariates.items()
        for row in _rows(name, covariate, groups)
    ]
    caption = "Patients at baseline, by arm: mean (SD), or number (%)"
    return Table("baseline", caption, ("Characteristic", *columns), rows)


def patients_at_baseline(tables: Mapping[str, DataFrame]) -> DataFrame:
    """Return the randomised patients with the covariates that they were screened with."""
    subjects = tables["subjects"][["replicate", "subject", "arm", "screening_number"]]
    return subjects.merge(tables["screening"], on=["replicate", "screening_number"])


def covariate_column(name: str, columns: DataFrame) -> str:
    """Return the column that holds a covariate: one that bears another's name has a prefix."""
    apart = f"covariate_{name}"
    return apart if apart in columns else name


def covariate_label(name: str, covariate: Covariate) -> str:
    """Return the label of a covariate with its unit, where its name says one."""
    unit = unit_of(name)
    told = unit.lower() in covariate.label.lower()
    return covariate.label if told else f"{covariate.label}, {unit}"


def _rows(name: str, covariate: Covariate, groups: Mapping[str, DataFrame]) -> Iterator[TableRow]:
    label = covariate_label(name, covariate)
    column = covariate_column(name, groups[ALL])
    values = {group: table[column] for group, table in groups.items()}
    if covariate.levels is not None:
        for level in covariate.levels:
            told = f"{label}: {in_words(level)}"
            yield _row(told, [_share(one == level) for one in values.values()])
    elif covariate.is_flag:
        yield _row(label, [_share(one) for one in values.values()])
    else:
        yield _row(label, [mean_and_sd(one.mean(), one.std()) for one in values.values()])


def _row(label: str, cells: list[Cell]) -> TableRow:
    return TableRow([Cell(label), *cells])


def _share(those: "Series[bool]") -> Cell:
    number = int(those.sum())
    share = f" ({100 * number / len(those):.1f}%)" if len(those) else ""
    return Cell(f"{number:,}{share}", number)

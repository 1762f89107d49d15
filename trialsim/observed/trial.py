"""A data set as a trial: read from tables, held against the plan of a study, ready to be analysed.

The tables are those that `simulate --out` writes, or fewer: `visits` alone suffices where it has
the arms. Scores, arms, sites and events come from them; nothing is simulated.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, Pairs
from trialsim.clock import DAY, NEVER
from trialsim.errors import InputError, Problem
from trialsim.observed.covariates import KnownCovariates
from trialsim.observed.needs import (
    COLUMNS,
    baselines_needed,
    covariates_needed,
    misspelt,
    plans_of,
)
from trialsim.observed.table import Table
from trialsim.scenario.files.tables import read_table
from trialsim.scenario.patients.columns import Column
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.protocol.intercurrent import TreatmentEvent
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort, Screening
from trialsim.trial.conduct import Conduct, Recruitment
from trialsim.trial.itinerary import Intentions, Itinerary
from trialsim.trial.outcomes import Make, Scores, Visits
from trialsim.trial.trial import Trial
from trialsim.trial.unfolding import Recruited

MANIFEST: Final = "manifest.json"
SEED: Final = 2016
"""Of the analyses that draw random numbers, where the data have no seed of their own."""
_BEGAN: Final[Mapping[TreatmentEvent, str]] = {
    "discontinuation": "discontinued",
    "rescue": "rescued",
    "switching": "switched",
}
"""How the columns of the times of events begin, and what `Conduct` calls them."""
_FOR_DRUG: Final = "discontinued_for_drug"
_MOST_ROWS: Final = 1_000_000
_MOST_TOLD: Final = 100
_SUFFIXES: Final = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class ObservedTrial:
    """A data set as a batch of one trial."""

    batch: Trial
    simulated: bool
    """Whether the folder says that its data are simulated."""


def observed(folder: str | Path, scenario: Scenario, seed: int | None = None) -> ObservedTrial:
    """Return a data set as a trial of a study.

    Parameters
    ----------
    folder
        With `visits` and, where they are there, `subjects`, `disposition`, `infusions` and
        `screening`, each as .csv or .parquet.
    seed
        Of analyses that draw random numbers; None for that of the data if they are simulated, else
        2016.

    Raises
    ------
    InputError
        With everything that is wrong in the tables, or that the plan does not know.
    """
    return _Reader(Path(folder), scenario).trial(seed)


class _Reader:
    """The tables of a data set, and the trial that they make."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self._folder, self._scenario = folder, scenario
        self._problems: list[Problem] = []
        if not folder.is_dir():
            raise InputError([Problem("data", "must be a folder of tables", str(folder))])
        tables = self._tables()
        visits = tables.pop("visits")
        if visits is None:
            rule = "must hold the table visits, as visits.csv or visits.parquet"
            raise InputError([Problem("data", rule, str(folder))])
        self._visits, self._others = visits, tables
        self._subjects = self._others["subjects"] or visits
        if "subject" not in self._subjects or "subject" not in visits:
            self._subjects.text("subject")
            visits.text("subject")
            self._stop_if_wrong()  # nothing else can be said of rows of nobody
        self._names = list(dict.fromkeys(self._subjects.text("subject")))
        self._place = {name: place for place, name in enumerate(self._names)}
        self._count = len(self._names)
        self._first = self._first_rows()

    def trial(self, seed: int | None) -> ObservedTrial:
        """Return the trial, or raise with everything that is wrong."""
        design = self._scenario.design
        arms = self._arms()
        site = self._sites()[self._first]
        scores, attended, minutes = self._scores()
        conduct = self._conduct(minutes, attended)
        self._hold_baselines(scores)
        for name in covariates_needed(self._scenario):
            self._known_covariate(name)
        self._stop_if_wrong()
        manifest = self._manifest()
        simulated = "simulated" in str(manifest.get("note", ""))
        if seed is None:
            seed = int(manifest["seed"]) if simulated and "seed" in manifest else SEED
        streams = Streams(seed, range(replicate := self._replicate(), replicate + 1))
        place = conduct.place
        covariates = KnownCovariates(self._scenario, self._covariate)
        nobody = np.zeros((1, self._count, len(self._scenario.eligibility.rules)), np.bool_)
        at = conduct.randomised
        screening = Screening(np.zeros_like(at), nobody)
        cohort = Cohort(site[None], at, at, covariates, screening, conduct.closed)
        itinerary = Itinerary(place, site[None], at, at, _nothing_intended)
        recruitment = Recruitment(place, arms[None], at, conduct.closed, None, None)
        made = Scores(scores, len(design.visits), _given(scores))
        batch = Trial(
            scenario=self._scenario,
            seed=seed,
            engine="observed",
            replicates=np.array(streams.replicates),
            failures={},
            cohort=cohort,
            itinerary=itinerary,
            conduct=conduct,
            arms=arms[None],
            underlying=made,
            scores=made,
            recruited=Recruited(self._scenario, streams, cohort, itinerary, recruitment),
        )
        return ObservedTrial(batch, simulated)

    def _tables(self) -> dict[str, Table | None]:
        """Return the tables that are there by name, or raise with why any cannot be read."""
        tables, unreadable = {}, list[Problem]()
        for name in COLUMNS:
            try:
                tables[name] = self._read(name)
            except InputError as error:
                unreadable += error.problems
        if unreadable:
            raise InputError(unreadable)
        return tables

    def _read(self, name: str) -> Table | None:
        files = [self._folder / f"{name}{suffix}" for suffix in _SUFFIXES]
        there = [file for file in files if file.is_file()]
        if len(there) > 1:
            rule = f"must hold {name} once, as .csv or as .parquet"
            raise InputError([Problem("data", rule, str(self._folder))])
        if not there:
            return None
        columns = read_table(there[0], 1, _MOST_ROWS)
        found = {meant: column for column, meant in misspelt(self._scenario, name, columns.cells)}
        for meant, column in found.items():
            rule = f"must be a column that is known; did you mean {meant}?"
            self._problems.append(columns.of_header(rule, column))
        return Table(columns, self._problems, frozenset(found))

    def _stop_if_wrong(self) -> None:
        told = list(dict.fromkeys(self._problems))
        if len(told) > _MOST_TOLD:
            rest = Problem("data", f"{len(told) - _MOST_TOLD:,} more problems are not listed")
            told = [*told[:_MOST_TOLD], rest]
        if told:
            raise InputError(told)

    def _first_rows(self) -> list[int]:
        """Return the row of each patient in the table of subjects; one has one row there."""
        rows: dict[str, int] = {}
        for row, name in enumerate(self._subjects.text("subject")):
            if not name:
                self._subjects.wrong(row, "subject", "must be given")
            elif name in rows and self._others["subjects"] is not None:
                self._subjects.wrong(row, "subject", "must stand once", name)
            rows.setdefault(name, row)
        return [rows[name] for name in self._names]

    def _arms(self) -> Integers:
        names = list(self._scenario.design.arms)
        self._subjects.text("arm")  # which must be there
        codes = self._subjects.codes("arm", names, "an arm of the plan")[self._first]
        self._hold_compared_arms(codes)
        if "arm" in self._visits:
            known = dict(zip(self._names, codes.tolist(), strict=True))
            found = self._visits.codes("arm", names, "an arm of the plan").tolist()
            for row, name in enumerate(self._visits.text("subject")):
                if found[row] >= 0 and known.get(name, -1) not in (-1, found[row]):
                    rule = f"must be that of the patient elsewhere, {names[known[name]]}"
                    self._visits.wrong(row, "arm", rule, names[found[row]])
        return codes

    def _hold_compared_arms(self, codes: Integers) -> None:
        """Note the arms that are compared and have no patient."""
        if "arm" not in self._subjects or (codes < 0).any():
            return  # told where it stands
        compared = {arm for one in plans_of(self._scenario) for arm in (one.treated, one.control)}
        for place, arm in enumerate(self._scenario.design.arms):
            if arm in compared and not (codes == place).any():
                rule = f"must have patients of the arm {arm}, which the plan compares"
                self._problems.append(Problem("arm", rule, None, self._subjects.file))

    def _sites(self) -> Integers:
        by_site = self._scenario.design.stratify_by == "site"
        if any(
            one.strata == "site"
            or (by_site and (one.strata == "design" or one.test.repeats_randomisation))
            for one in plans_of(self._scenario)
        ):
            self._subjects.text("site")  # which must be there then
        sites = list(self._scenario.operations.sites)
        return self._subjects.codes("site", sites, "a site of the plan").clip(0)

    def _scores(self) -> tuple[dict[str, Floats], Booleans, Integers]:
        """Return scores (patient, visit) by outcome, visits attended, and their minutes."""
        table, design = self._visits, self._scenario.design
        visits = list(design.visits)
        table.text("visit")  # which must be there
        place = table.codes("visit", visits, "a visit of the plan").tolist()
        shape = (self._count, len(visits))
        rows = np.full(shape, -1)
        for row, (name, visit) in enumerate(zip(table.text("subject"), place, strict=True)):
            if name not in self._place:
                table.wrong(row, "subject", "must be in the table of subjects", name)
            elif visit >= 0 and rows[self._place[name], visit] >= 0:
                table.wrong(row, "visit", f"must stand once for subject {name}", visits[visit])
            elif visit >= 0:
                rows[self._place[name], visit] = row
        there = rows >= 0
        scores = {}
        for outcome, column in self._outcome_columns():
            values = self._on_scale(outcome, column)
            scores[outcome] = np.where(there, values[rows], np.nan)
        seen = np.any([~np.isnan(one) for one in scores.values()], axis=0) & there
        if "attended" in table:
            came = np.array([cell.lower() in ("true", "1") for cell in table.text("attended")])
            seen = there & came[rows]
        return scores, seen, self._minutes(rows)

    def _outcome_columns(self) -> Iterator[tuple[str, str]]:
        """Yield the outcomes that are there, or needed, with their columns."""
        plans = plans_of(self._scenario)
        needed = {name for one in plans for name in one.test.outcomes_of(one)}
        for name in self._scenario.outcomes:
            column = next((one for one in (f"outcome_{name}", name) if one in self._visits), name)
            if name in needed or column in self._visits:
                yield name, column

    def _on_scale(self, name: str, column: str) -> Floats:
        outcome, values = self._scenario.outcomes[name], self._visits.numbers(column)
        nearest_scores = outcome.grid.score_of(outcome.grid.cell_of(values))
        for row in np.flatnonzero(np.abs(nearest_scores - values) > 1e-6 * outcome.step):
            rule = f"must be on the scale, {outcome.low:g} to {outcome.high:g}"
            rule += f" in steps of {outcome.step:g}" if outcome.step != 1 else ""
            self._visits.wrong(int(row), column, rule, f"{values[row]:g}")
        return nearest_scores

    def _minutes(self, rows: Integers) -> Integers:
        """Return when visits were due, as recorded, or on their planned days."""
        planned = np.array([visit.day for visit in self._scenario.design.visits.values()]) * DAY
        start = self._randomised()
        minutes: Integers = start[:, None] + planned
        if "due_minute" in self._visits:
            due = self._visits.numbers("due_minute")[rows]
            minutes = np.where((rows >= 0) & ~np.isnan(due), due, minutes).astype(np.int64)
        for patient, visit in zip(*np.nonzero(np.diff(minutes, axis=1) < 0), strict=True):
            row = int(rows[patient, visit + 1])
            if row >= 0:
                self._visits.wrong(row, "due_minute", "must not lie before the visit before it")
        return minutes

    def _randomised(self) -> Integers:
        if "randomised_minute" not in self._subjects:
            return np.zeros(self._count, np.int64)
        minutes = self._subjects.numbers("randomised_minute")
        for row in np.flatnonzero(np.isnan(minutes)):
            self._subjects.wrong(int(row), "randomised_minute", "must be given")
        return np.nan_to_num(minutes)[self._first].astype(np.int64)

    def _conduct(self, minutes: Integers, attended: Booleans) -> Conduct:
        status, ended = self._ends()
        schedule = self._scenario.treatment.infusions
        return Conduct(
            place=np.arange(self._count)[None],
            randomised=self._randomised()[None],
            closed=np.array([minutes.max(initial=0)]),
            screened=np.array([self._count]),
            schedule=schedule,
            waited=None,
            lacked=None,
            infusion_given=self._infusions(schedule.count)[None],
            **{name: began[None] for name, began in self._began().items()},
            withdrawn=np.where(status == 1, ended, NEVER)[None],
            died=np.where(status == 2, ended, NEVER)[None],
            visit_day=((minutes - minutes[:, :1]) // DAY)[None],
            visit_minute=minutes[None],
            visit_attended=attended[None],
            visit_settled=np.ones((1, *attended.shape), np.bool_),
        )

    def _ends(self) -> tuple[Integers, Integers]:
        """Return who completed (0), withdrew (1) or died (2), and when."""
        status, ended = np.zeros(self._count, np.int64), np.full(self._count, NEVER)
        table = self._others["disposition"]
        if table is None:
            return status, ended
        names = ["completed", "withdrawn", "died", "ongoing"]
        found = table.codes("status", names, "completed, withdrawn, died or ongoing")
        when = self._times(table, "ended")
        for patient, row in enumerate(self._rows_of(table)):
            if row < 0 or found[row] < 0:
                continue
            status[patient] = found[row] % 3
            if status[patient] and np.isnan(when[row]):
                table.wrong(row, "ended", f"must have a time where it is {names[found[row]]}")
            ended[patient] = NEVER if np.isnan(when[row]) else int(when[row])
        return status, ended

    def _began(self) -> dict[str, Integers]:
        """Return when what ends treatment, or changes it, came to each patient, by `Conduct`."""
        names = (*_BEGAN.values(), "stopped_for_drug")
        found = {name: np.full(self._count, NEVER) for name in names}
        table, used = self._others["disposition"], self._scenario.analysis.events_used
        if table is None:
            if used:
                kinds = ", ".join(sorted(used))
                rule = f"must hold the table disposition: the plan handles {kinds}"
                self._problems.append(Problem("data", rule, str(self._folder)))
            return found
        rows = np.array(self._rows_of(table), np.intp)
        for kind, name in _BEGAN.items():
            if kind in used and f"{name}_day" not in table:
                table.text(f"{name}_minute")  # which must be there then
            times = np.append(self._times(table, name), np.nan)[rows]
            found[name] = np.where(np.isnan(times), NEVER, np.nan_to_num(times)).astype(np.int64)
        if _FOR_DRUG in table or "drug_related_discontinuation" in used:
            because = [cell.lower() in ("true", "1") for cell in table.text(_FOR_DRUG)]
            whose = np.append(because, False).astype(np.bool_)[rows]
            found["stopped_for_drug"] = np.where(whose, found["discontinued"], NEVER)
        return found

    def _times(self, table: Table, event: str) -> Floats:
        """Return the minutes of an event, or its days from randomisation as minutes."""
        if f"{event}_minute" in table:
            return table.numbers(f"{event}_minute")
        if f"{event}_day" in table:
            return table.numbers(f"{event}_day") * DAY
        return np.full(len(table), np.nan)

    def _infusions(self, count: int) -> Booleans:
        """Return which infusions were given, (patient, infusion); all, where none is recorded."""
        table = self._others["infusions"]
        if table is None:
            if any(one.minimum_infusion_share for one in plans_of(self._scenario)):
                rule = "must hold the table infusions: the plan counts those that were given"
                self._problems.append(Problem("data", rule, str(self._folder)))
            return np.ones((self._count, count), np.bool_)
        given, recorded = np.zeros((2, self._count, count), np.bool_)
        number = table.numbers("infusion")
        cells = zip(table.text("subject"), table.text("status"), strict=True)
        for row, (name, status) in enumerate(cells):
            if name not in self._place:
                table.wrong(row, "subject", "must be in the table of subjects", name)
            elif not 1 <= number[row] <= count:
                rule = f"must be the number of a planned infusion, 1 to {count}"
                table.wrong(row, "infusion", rule, f"{number[row]:g}")
            else:
                place = self._place[name], int(number[row]) - 1
                if recorded[place]:
                    rule = f"must stand once for subject {name}"
                    table.wrong(row, "infusion", rule, f"{number[row]:g}")
                recorded[place], given[place] = True, status == "given"
        return given

    def _rows_of(self, table: Table) -> list[int]:
        """Return the row of each patient in a table; -1 where there is none."""
        rows: dict[str, int] = {}
        for row, name in enumerate(table.text("subject")):
            if name in rows:
                table.wrong(row, "subject", "must stand once", name)
            rows[name] = row
        for name in rows:
            if name in self._place:
                continue
            table.wrong(rows[name], "subject", "must be in the table of subjects", name)
        return [rows.get(name, -1) for name in self._names]

    def _hold_baselines(self, scores: Mapping[str, Floats]) -> None:
        """Note the outcomes that an analysis needs before treatment, and that nobody has there."""
        for name in baselines_needed(self._scenario):
            if name in self._visits and np.isnan(scores[name][:, 0]).all():
                rule = f"must have scores of {name} at the visit {BASELINE}: an analysis uses them"
                self._problems.append(Problem("visit", rule, None, self._visits.file))

    def _covariate(self, name: str) -> Floats:
        """Return a covariate of the patients, shape (1, patient), or raise with what is wrong."""
        found = self._known_covariate(name)
        self._stop_if_wrong()
        return found

    def _known_covariate(self, name: str) -> Floats:
        """Return a covariate of the patients, or note what is wrong with it."""
        covariate = self._scenario.population.covariates[name]
        kind = Column(covariate.levels, covariate.is_flag)
        for table, rows in self._with_covariates():
            column = next((one for one in (f"covariate_{name}", name) if one in table), None)
            if column is None:
                continue
            cells = table.text(column)
            texts = [cells[row] if row >= 0 else "" for row in rows]
            for cell in kind.wrong(texts):
                if rows[cell.row] >= 0:
                    table.wrong(rows[cell.row], column, cell.rule, cell.value)
                else:
                    rule = "must be in the table of screening"
                    self._subjects.wrong(self._first[cell.row], "screening_number", rule)
            if self._problems:
                break
            return kind.numbers(texts)[None]
        else:
            rule = f"must hold the column {name} in subjects or screening: an analysis uses it"
            self._problems.append(Problem("data", rule, str(self._folder)))
        return np.full((1, self._count), np.nan)

    def _with_covariates(self) -> Iterator[tuple[Table, list[int]]]:
        """Yield the tables that may have covariates, with the row of each patient."""
        subjects, screening = self._subjects, self._others["screening"]
        yield subjects, self._first
        if screening is not None and "screening_number" in subjects:
            rows: dict[str, int] = {}
            for row, number in enumerate(screening.text("screening_number")):
                if rows.setdefault(number, row) != row:
                    screening.wrong(row, "screening_number", "must stand once", number)
            numbers = subjects.text("screening_number")
            yield screening, [rows.get(numbers[row], -1) for row in self._first]

    def _replicate(self) -> int:
        """Return the number of the replicate that simulated tables hold."""
        if "replicate" not in self._visits:
            return 0
        found = {cell for cell in self._visits.text("replicate") if cell.isdigit()}
        if len(found) > 1:
            raise InputError([Problem("replicate", "must be one trial", ", ".join(sorted(found)))])
        return int(found.pop()) if found else 0

    def _manifest(self) -> Mapping[str, Any]:
        """Return what stands beside the tables of where they came from; nothing where none does."""
        try:
            content = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _given(scores: Mapping[str, Floats]) -> Make:
    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        values = scores[outcome]
        if patients is None:
            return values[None, :, visit]
        return np.broadcast_to(values[patients.places, visit], (1, patients.places.size))

    return make


def _nothing_intended(candidate: Integers) -> Intentions:
    raise LookupError("what was observed was not intended by a simulation")

"""One simulated trial as its datasets are written from it: tables, dates, and who is who."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.arrays import Booleans, Integers
from trialsim.clock import NEVER
from trialsim.questions.monitoring.board import Board, board
from trialsim.reporting.cdisc.calendar import Calendar, Texts
from trialsim.reporting.cdisc.metadata import SIMULATED, CodeList, Variable
from trialsim.reporting.cdisc.scales import Tests, named_tests
from trialsim.reporting.cdisc.terminology import own_list, standard_list
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.simulated import SimulatedTrial

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ARM_CODE: Final = 20
STUDYID: Final = Variable("STUDYID", "Study Identifier", origin="Protocol", mandatory=True)
USUBJID: Final = Variable(
    "USUBJID",
    "Unique Subject Identifier",
    origin="Assigned",
    comment="Study, site and screening number",
    mandatory=True,
)
EPOCHS: Final = standard_list("EPOCH")
EPOCH: Final = Variable("EPOCH", "Epoch", origin="Assigned", codes=EPOCHS)


@dataclass(frozen=True)
class Source:
    """A trial with its calendar; what several datasets need is made once."""

    trial: SimulatedTrial
    calendar: Calendar

    @property
    def study(self) -> Scenario:
        """The study that was simulated."""
        return self.trial.scenario

    @property
    def study_id(self) -> str:
        """STUDYID, which says that the data are simulated."""
        return f"{SIMULATED}-{self.study.name.upper()}"

    @property
    def created(self) -> str:
        """When its files say that they were made: at the beginning of its first day."""
        return f"{self.calendar.start}T00:00:00"

    @cached_property
    def tables(self) -> "Mapping[str, DataFrame]":
        """The tables of the trial."""
        return self.trial.tables()

    @cached_property
    def looks(self) -> Board | None:
        """The looks with the trial's own result, which its tables ignore; None without looks."""
        return None if self.study.monitoring is None else board(self.trial)

    @property
    def stopped(self) -> str:
        """The date on which a look stopped the trial, in ISO 8601; empty where none did."""
        if self.looks is None or np.isnan(self.looks.looks[-1].decided_day):
            return ""
        return str(self.calendar.start + timedelta(int(self.looks.looks[-1].decided_day)))

    @cached_property
    def tests(self) -> Tests:
        """What every outcome and covariate is called."""
        return named_tests(self.study)

    @cached_property
    def arm_codes(self) -> dict[str, str]:
        """ARMCD of each arm by its name: the name itself, or A1, A2, ... where one is too long."""
        arms = list(self.study.design.arms)
        if max(map(len, arms)) > MOST_ARM_CODE:
            return {name: f"A{place}" for place, name in enumerate(arms, 1)}
        return {name: name.upper() for name in arms}

    @cached_property
    def arm_list(self) -> CodeList:
        """The arms with what they are."""
        arms = self.study.design.arms
        return own_list(
            "ARM", "Arms", {self.arm_codes[name]: arm.label for name, arm in arms.items()}
        )

    @cached_property
    def visits(self) -> DataFrame:
        """The planned visits: name in the study file, VISITNUM, VISIT, VISITDY; screening first.

        Days count from randomisation, on day 1; those counted from onset have none.
        """
        planned = self.study.design.visits
        days = [
            visit.day + 1 if visit.after == "randomisation" else np.nan
            for visit in planned.values()
        ]
        return DataFrame(
            {
                "visit": [SCREENING, *planned],
                "VISITNUM": np.arange(1, len(planned) + 2),
                "VISIT": ["SCREENING", *(in_words(name).upper() for name in planned)],
                "VISITDY": [np.nan, *days],
            }
        )

    @cached_property
    def people(self) -> DataFrame:
        """Every candidate in order of screening number, with the minutes of the way.

        Minutes are `NEVER` where something did not happen; the subject is 0 of whoever was not
        randomised.
        """
        screening = self.tables["screening"]
        patients = self.tables["subjects"].merge(
            self.tables["disposition"].drop(columns=["replicate", "arm"]), on="subject"
        )
        given = self.tables["infusions"].query("status == 'given'").groupby("subject")
        minutes = self.study.operations.infusion_minutes
        dosed = DataFrame(
            {
                "first_dose": given["start_minute"].min(),
                "last_dose": given["start_minute"].max() + minutes,
            }
        ).reset_index()
        planned = self.tables["infusions"].groupby("subject")["due_minute"].max() + minutes
        patients = patients.merge(dosed, on="subject", how="left")
        patients["course_ends"] = planned.to_numpy()
        kept = ["screening_number", "subject", "arm", "randomised_minute", "ended_minute", "status"]
        kept += ["treatment_discontinued", "discontinued_minute", "first_dose", "last_dose"]
        kept += ["course_ends", "infusions_planned", "infusions_given", "study_drug_received_ml"]
        whole = screening.merge(patients[kept], on="screening_number", how="left")
        whole = whole.sort_values("screening_number").reset_index(drop=True)
        for column in _MINUTES:
            whole[column] = whole[column].fillna(NEVER).astype(np.int64)
        whole["subject"] = whole["subject"].fillna(0).astype(np.int64)
        last = np.minimum(whole["course_ends"], whole["discontinued_minute"])
        whole["ended_minute"] = self._ends(whole)
        whole["treatment_ends"] = np.minimum(last, whole["ended_minute"])
        number = whole["screening_number"].astype(str)
        number = number.str.zfill(int(number.str.len().max()))
        site = whole["site"].astype(str).str.upper().str.replace("_", "-")
        whole["SITEID"] = site
        whole["SUBJID"] = site + "-" + number
        whole["USUBJID"] = self.study_id + "-" + whole["SUBJID"]
        return whole

    def _ends(self, people: DataFrame) -> Integers:
        """Return when each one left, or had the last visit and the last infusion that was given."""
        exited = np.append(NEVER, self.trial.batch.conduct.exited[0])[people["subject"]]
        dosed = people["last_dose"].where(people["last_dose"] < NEVER, 0)
        stayed = np.maximum(people["ended_minute"], dosed)
        return np.where(exited < NEVER, exited, stayed).astype(np.int64)

    @cached_property
    def patients(self) -> DataFrame:
        """The people who were randomised, by subject."""
        people = self.people
        return people[people["subject"] > 0].sort_values("subject").reset_index(drop=True)

    def of_subjects(self, subjects: "pd.Series[Any]", *columns: str) -> DataFrame:
        """Return columns of the patients to whom some records belong, a row for each record."""
        rows = self.patients[list(columns)].iloc[subjects.to_numpy(np.int64) - 1]
        return rows.reset_index(drop=True)

    def epochs(self, who: DataFrame, minutes: Integers) -> Texts:
        """Return the epoch of each minute: by its person's randomisation and end of treatment."""
        before = minutes < who["randomised_minute"].to_numpy()
        after = minutes > who["treatment_ends"].to_numpy()
        found = np.select([before, after], ["SCREENING", "FOLLOW-UP"], "TREATMENT")
        return found.astype(object)

    def epochs_of_visits(self, who: DataFrame, minutes: Integers) -> Texts:
        """Return the epoch in which visits begin: that of baseline comes before the infusion."""
        return self.epochs(who, minutes - 1)

    def study_days(self, who: DataFrame, minutes: Integers, known: Any = True) -> Any:
        """Return study days of minutes; NaN of who was not randomised and where not known."""
        reference = who["randomised_minute"].to_numpy()
        days = self.calendar.study_days(minutes, reference)
        return np.where((reference < NEVER) & np.asarray(known, np.bool_), days, np.nan)


SCREENING: Final = ""
"""The name of the screening visit, which the study file does not list."""
_MINUTES: Final = (
    *("randomised_minute", "ended_minute", "discontinued_minute", "decided_minute"),
    *("screened_minute", "first_dose", "last_dose", "course_ends"),
)


def happened(minutes: "pd.Series[Any]") -> Booleans:
    """Return which minutes are of something that happened."""
    return (minutes < NEVER).to_numpy(np.bool_)


def same(value: str, records: DataFrame | int) -> Texts:
    """Return one text for every record."""
    count = records if isinstance(records, int) else len(records)
    return np.full(count, value, object)

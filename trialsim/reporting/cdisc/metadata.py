"""What a dataset and its variables are: the one description that every file is written from.

XPT version 5 allows names of 8 characters, labels of 40, texts of 200 bytes, and ASCII alone;
`problems_of` tells what does not fit, and nothing is ever cut short.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.arrays import Integers
from trialsim.errors import Problem

Kind: TypeAlias = Literal["text", "integer", "float", "datetime", "sas_date", "sas_datetime"]
"""`datetime` is text in ISO 8601; the SAS kinds are numbers with a format."""
Origin: TypeAlias = Literal["Collected", "Derived", "Assigned", "Protocol", "Predecessor"]
Standard: TypeAlias = Literal["SDTMIG", "ADaMIG"]
Class: TypeAlias = Literal[
    "TRIAL DESIGN",
    "SPECIAL PURPOSE",
    "INTERVENTIONS",
    "EVENTS",
    "FINDINGS",
    "SUBJECT LEVEL ANALYSIS DATASET",
    "BASIC DATA STRUCTURE",
]
_OF_ADAM: Final = ("SUBJECT LEVEL ANALYSIS DATASET", "BASIC DATA STRUCTURE")
MOST_TEXT: Final = 200
MOST_NAME: Final = 8
MOST_LABEL: Final = 40
SIMULATED: Final = "SIMULATED"
_FORMATS: Final = {"sas_date": "DATE9.", "sas_datetime": "DATETIME20."}


class Term(NamedTuple):
    """One value of a code list."""

    value: str
    decode: str
    code: str | None
    """Its code in the NCI Thesaurus; None for a term that the sponsor defines."""


@dataclass(frozen=True, slots=True)
class CodeList:
    """The values that a variable may have."""

    name: str
    label: str
    terms: tuple[Term, ...]
    code: str | None = None
    """The list's own code, where the list is CDISC's."""

    @property
    def is_sponsors(self) -> bool:
        """Whether no term of it is CDISC's."""
        return self.code is None and all(term.code is None for term in self.terms)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a dataset."""

    name: str
    label: str
    kind: Kind = "text"
    origin: Origin = "Collected"
    codes: CodeList | None = None
    comment: str = ""
    """How it is derived, for whoever programs it again; of every other one, what is to be said."""
    mandatory: bool = False
    copied: str = ""
    """Of a predecessor, the variable that it is copied from, such as DM.SITEID."""

    @property
    def is_text(self) -> bool:
        """Whether it is a character variable."""
        return self.kind in ("text", "datetime")

    @property
    def sas_format(self) -> str | None:
        """The SAS format of a date."""
        return _FORMATS.get(self.kind)


def copied(
    name: str,
    label: str,
    of: str,
    kind: Kind = "text",
    codes: CodeList | None = None,
    comment: str = "",
) -> Variable:
    """Return a variable that is copied from another one, such as SITEID from DM.SITEID."""
    return Variable(name, label, kind, "Predecessor", codes, comment, copied=of)


class Part(NamedTuple):
    """What a variable is in the records of one test or parameter: value-level metadata."""

    by: str
    """The variable that names the test or parameter, such as FTTESTCD."""
    value: str
    variable: Variable
    """The description there; its name is that of the variable."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset with its description; the frame has the variables' names, in order."""

    name: str
    title: str
    kind: Class
    structure: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]
    frame: DataFrame = field(repr=False)
    parts: tuple[Part, ...] = ()

    @property
    def label(self) -> str:
        """The title, which says first that the data are simulated."""
        return f"{SIMULATED} {self.title}"

    @property
    def standard(self) -> Standard:
        """The guide that describes it."""
        return "ADaMIG" if self.kind in _OF_ADAM else "SDTMIG"

    @property
    def is_reference(self) -> bool:
        """Whether it is about the trial, not about its subjects."""
        return self.kind == "TRIAL DESIGN"

    @property
    def folder(self) -> str:
        """The folder that its files lie in."""
        return "sdtm" if self.standard == "SDTMIG" else "adam"

    def length(self, variable: Variable, part: Part | None = None) -> int:
        """Return the longest value of a variable in bytes, of all records or of a part.

        A number has 8 bytes, whatever it is.
        """
        values = self._values(variable, part)
        if values.dtype != object:
            return 8
        return max((len(text.encode()) for text in values), default=0) or 1

    def digits(self, variable: Variable, part: Part | None = None) -> int:
        """Return how many digits of a number follow the point at most, up to nine."""
        numbers = pd.to_numeric(self._values(variable, part)).dropna().unique().tolist()
        texts = (f"{number:.9f}".rstrip("0") for number in numbers)
        return max((len(text.partition(".")[2]) for text in texts), default=0)

    def _values(self, variable: Variable, part: Part | None) -> "pd.Series[Any]":
        frame = self.frame if part is None else self.frame[self.frame[part.by].eq(part.value)]
        return frame[variable.name]


def dataset(
    name: str,
    title: str,
    kind: Class,
    structure: str,
    keys: Sequence[str],
    columns: Sequence[tuple[Variable, object]],
    parts: Sequence[Part] = (),
) -> Dataset:
    """Return a dataset of variables with their values, sorted by its keys."""
    values = {variable.name: column for variable, column in columns}
    whole = DataFrame(values).sort_values(list(keys), kind="stable").reset_index(drop=True)
    for variable, _ in columns:
        if variable.is_text:
            whole[variable.name] = whole[variable.name].astype(object).fillna("").astype(object)
        else:
            whole[variable.name] = whole[variable.name].astype(np.float64)
    variables = tuple(variable for variable, _ in columns)
    return Dataset(name, title, kind, structure, tuple(keys), variables, whole, tuple(parts))


def columns(
    variables: Sequence[Variable],
    values: Mapping[str, object] | DataFrame,
    codes: Mapping[str, CodeList] | None = None,
) -> list[tuple[Variable, object]]:
    """Return variables with their values, by name, and with the code lists of the study."""
    own = codes or {}
    return [
        (replace(one, codes=own.get(one.name, one.codes)), values[one.name]) for one in variables
    ]


def sequence(prefix: str, order: str, within: str = "USUBJID") -> Variable:
    """Return --SEQ, which numbers the records of a subject in an order."""
    said = f"1, 2, ... within {within}, in the order of {order}"
    name = f"{prefix}SEQ"
    return Variable(name, "Sequence Number", "integer", "Derived", comment=said, mandatory=True)


def study_day(name: str, label: str, of: str) -> Variable:
    """Return --DY of a date and time: day 1 is that of DM.RFSTDTC, and there is no day 0."""
    said = (
        f"Date part of {of} less that of DM.RFSTDTC, plus 1 where it is not before it; empty where "
        "either is empty"
    )
    return Variable(name, label, "integer", "Derived", comment=said)


def numbered(frame: DataFrame) -> Integers:
    """Return 1, 2, ... within each subject, in the order of the rows: --SEQ."""
    return frame.groupby("USUBJID", sort=False).cumcount().to_numpy(np.int64) + 1


def problems_of(one: Dataset) -> Iterator[Problem]:
    """Yield what of a dataset XPT version 5 cannot hold."""
    if len(one.label) > MOST_LABEL:
        yield Problem(one.name, f"its label must have at most {MOST_LABEL} characters", one.label)
    for variable in one.variables:
        path = f"{one.name}.{variable.name}"
        if len(variable.name) > MOST_NAME:
            yield Problem(path, f"must have at most {MOST_NAME} characters")
        if len(variable.label) > MOST_LABEL:
            rule = f"its label must have at most {MOST_LABEL} characters"
            yield Problem(path, rule, variable.label)
        if variable.is_text:
            yield from _text_problems(path, one.frame[variable.name].unique().tolist())


def _text_problems(path: str, texts: Sequence[str]) -> Iterator[Problem]:
    for text in texts:
        if not text.isascii():
            yield Problem(path, "must be ASCII, as XPT version 5 holds nothing else", text)
        elif len(text) > MOST_TEXT:
            rule = f"must have at most {MOST_TEXT} characters, as XPT version 5 allows"
            yield Problem(path, rule, text)

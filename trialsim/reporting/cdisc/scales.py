"""Where each scale belongs, and what it is called there: domain, category, test code and test.

What CDISC has a term for is recognised by its name in the study file and by its range; every other
scale gets a term that the sponsor defines. Codes have at most 8 characters, tests at most 40.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from trialsim.errors import InputError, Problem
from trialsim.reporting.cdisc.metadata import MOST_LABEL, MOST_NAME
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Covariate
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import spoken
from trialsim.scenario.words.values import unit_of

Domain: TypeAlias = Literal["FT", "RS", "QS", "SC", "VS"]
TITLES: Final[Mapping[Domain, str]] = {
    "FT": "Functional Tests",
    "RS": "Disease Resp and Clin Class",
    "QS": "Questionnaires",
    "SC": "Subject Characteristics",
    "VS": "Vital Signs",
}
_UNITS: Final[Mapping[str, str]] = {
    "points": "",
    "hours": "HOURS",
    "days": "DAYS",
    "years": "YEARS",
    "minutes": "min",
}
"""Units of a study file, in the words of CDISC; all others stand as they are."""
AGE: Final = "age_years"
SEX: Final = "sex"
_SEXES: Final = {"female": "F", "f": "F", "male": "M", "m": "M", "unknown": "U", "u": "U"}


class Test(NamedTuple):
    """What is measured, in the words of its domain."""

    domain: Domain
    category: str
    code: str
    """--TESTCD, and PARAMCD of the analysis."""
    name: str
    """--TEST."""
    unit: str
    """The unit of the result, "" for none."""
    nci: str | None
    """The test's code in the NCI Thesaurus; None where the sponsor defines it."""
    label: str
    """What the study file calls it."""


def parameter(test: Test) -> str:
    """Return what is measured with its unit."""
    return f"{test.label} ({test.unit})" if test.unit else test.label


class _Known(NamedTuple):
    """A scale that has a place: its category and, where CDISC has them, its codes and range."""

    domain: Domain
    category: str
    code: str = ""
    name: str = ""
    nci: str | None = None
    range: tuple[float, float] | None = None


_KNOWN: Final[Mapping[str, _Known]] = {
    "mrs": _Known("RS", "MRS", "MRS0101", "MRS01-Modified Rankin Scale Score", "C111520", (0, 6)),
    "nine_hole_peg": _Known(
        "FT", "NHPT", "NHPT0101", "NHPT01-Time to Complete 9-Hole Peg Test", "C115807"
    ),
    "glasgow_coma_scale": _Known(
        "RS", "GCS NINDS V1.0", "GCS0104", "GCS01-Total Score", "C124727", (3, 15)
    ),
    "mmse": _Known("FT", "MMSE", "MMS112", "MMS1-Total Score", "C100586", (0, 30)),
    "adas_cog": _Known("FT", "ADAS-COG", "ADCTS", "Total Score", "C208544", (0, 70)),
    "geriatric_depression": _Known("QS", "GDS", "GDS0131", "GDS01-Total Score", "C163949", (0, 30)),
    "clinical_global_impression": _Known(
        "QS", "CGI", "CGI0203", "CGI02-Improvement", "C135816", (1, 7)
    ),
    "systolic_mmhg": _Known("VS", "", "SYSBP", "Systolic Blood Pressure", "C25298"),
    "diastolic_mmhg": _Known("VS", "", "DIABP", "Diastolic Blood Pressure", "C25299"),
    "arat": _Known("FT", "ARAT", "ARAT", "Action Research Arm Test"),
    "gait_velocity": _Known("FT", "GAIT VELOCITY"),
    "line_cancellation": _Known("FT", "LINE CANCELLATION"),
    "gap_detection": _Known("FT", "GAP DETECTION"),
    "adas_cog_plus": _Known("FT", "ADAS-COG PLUS"),
    "trail_making": _Known("FT", "MODIFIED TRAIL MAKING"),
    "nihss": _Known("RS", "NIHSS", "NIHSS", "NIH Stroke Scale"),
    "barthel": _Known("RS", "BARTHEL INDEX"),
    "goodglass_kaplan": _Known("RS", "GOODGLASS-KAPLAN", "GOODKAPL", "Goodglass-Kaplan scale"),
    "prestroke_mrs": _Known("RS", "PRE-STROKE MRS", "PREMRS", "Pre-stroke Modified Rankin Scale"),
    "sf36_physical": _Known("QS", "SF-36"),
    "sf36_mental": _Known("QS", "SF-36"),
    "cibic_change": _Known("QS", "CIBIC-PLUS", "CIBICCHG", "CIBIC with caregiver input"),
    "cibic_plus": _Known("QS", "CIBIC-PLUS", "CIBICPLU", "CIBIC with caregiver input"),
}
"""By the name of the outcome or covariate."""


_RESERVED: Final = (
    *("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE"),
    *("ARMCD", "ARM", "ACTARMCD", "ACTARM", "DTHFL", "DTHDT"),
    *("TRT01P", "TRT01PN", "TRT01A", "TRT01AN", "TRTSDTM", "TRTSDT", "TRTEDT", "TRTDURD"),
    *("RANDFL", "ITTFL", "SAFFL", "FASFL", "COMPLFL", "RANDDT", "EOTSTT", "EOTDT", "DCTREAS"),
    *("EOSSTT", "EOSDT", "DCSREAS", "INFPLAN", "INFGIVEN", "CUMDOSE", "STRATAR"),
)
"""Variables of ADSL, beside which covariates stand by their codes."""


class Tests(NamedTuple):
    """Every test of a study, by the names of its outcomes and covariates."""

    outcomes: Mapping[str, Test]
    covariates: Mapping[str, Test]
    """Without age, and without a sex whose levels are CDISC's: they are demographics."""

    @property
    def of_subjects(self) -> dict[str, str]:
        """The variable of ADSL that each covariate is, by the covariate's name."""
        return {AGE: "AGE", SEX: "SEX"} | {name: one.code for name, one in self.covariates.items()}

    @property
    def all(self) -> list[Test]:
        """Every test once: a covariate that is the baseline of an outcome is that outcome's."""
        return list(dict.fromkeys([*self.outcomes.values(), *self.covariates.values()]))


def named_tests(study: Scenario) -> Tests:
    """Return what every outcome and every covariate of a study is called.

    Raises
    ------
    InputError
        If a name has no letter or digit from which a code could be made.
    """
    taken = [*_RESERVED, *(known.code for known in _KNOWN.values() if known.code)]
    outcomes = {}
    for name, outcome in study.outcomes.items():
        outcomes[name] = _outcome_test(name, outcome, taken)
        taken.append(outcomes[name].code)
    baselines = {
        outcome.baseline: outcomes[name]
        for name, outcome in study.outcomes.items()
        if outcome.baseline is not None
    }
    covariates = {}
    for name, covariate in study.population.covariates.items():
        if name != AGE and not (name == SEX and all(map(sex_of, covariate.levels or ("",)))):
            covariates[name] = baselines.get(name) or _covariate_test(name, covariate, taken)
            taken.append(covariates[name].code)
    return Tests(outcomes, covariates)


def sex_of(level: str) -> str:
    """Return CDISC's term for a level of sex, in capitals or not; empty for any other level.

    >>> sex_of("female"), sex_of("M"), sex_of("2")
    ('F', 'M', '')
    """
    return _SEXES.get(level.lower(), "")


def short_name(name: str, taken: Collection[str]) -> str:
    """Return a code of at most 8 capital letters and digits, which no other has.

    Its words are shortened evenly; where that is taken, a number stands at the end.

    >>> short_name("gait_velocity", ()), short_name("gait_velocity", ["GAITVELO"])
    ('GAITVELO', 'GAITVEL2')
    """
    words = re.findall("[A-Z0-9]+", name.upper())
    if not words:
        raise InputError([Problem(name, "must have a letter or a digit for a code")])
    each = max(MOST_NAME // len(words), 1)
    spare = MOST_NAME - sum(min(len(word), each) for word in words)
    parts = []
    for word in words:
        more = min(max(len(word) - each, 0), max(spare, 0))
        parts.append(word[: each + more])
        spare -= more
    code = "".join(parts)[:MOST_NAME]
    code = code if code[0].isalpha() else f"X{code[: MOST_NAME - 1]}"
    number, found = 1, code
    while found in taken:
        number += 1
        found = f"{code[: MOST_NAME - len(str(number))]}{number}"
    return found


def _outcome_test(name: str, outcome: Outcome, taken: Iterable[str]) -> Test:
    usual: Domain = "QS" if outcome.kind == "ordinal" else "FT"
    known = _KNOWN.get(name, _Known(usual, _category(name)))
    if known.range is not None and known.range != (outcome.low, outcome.high):
        known = _Known(known.domain, _category(name))
    return _test(name, known, outcome.unit, outcome.label, taken)


def _covariate_test(name: str, covariate: Covariate, taken: Iterable[str]) -> Test:
    known = _KNOWN.get(name, _Known("SC", ""))
    return _test(name, known, unit_of(name), covariate.label, taken)


def _test(name: str, known: _Known, unit: str, label: str, taken: Iterable[str]) -> Test:
    code = known.code or short_name(name, list(taken))
    said = known.name or (label if len(label) <= MOST_LABEL else spoken(name))
    unit = _UNITS.get(unit, unit)
    return Test(known.domain, known.category, code, said, unit, known.nci, label)


def _category(name: str) -> str:
    return name.upper().replace("_", " ")

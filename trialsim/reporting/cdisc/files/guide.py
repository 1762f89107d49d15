"""The reviewer's guide: what a programmer must know who opens the datasets, in Markdown."""

from collections.abc import Sequence

from trialsim.analysis.analyse import Analysis
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.cdisc.files.analyses import analyses
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.sdtm.events import kinds
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.cdisc.terminology import PUBLISHED
from trialsim.scenario.words.estimands import happening


def reviewers_guide(source: Source, result: Analysis, datasets: Sequence[Dataset]) -> str:
    """Return the guide of a trial and its datasets."""
    study = source.study
    parts = [
        f"# Reviewer's guide: {source.study_id}",
        f"**{SIMULATED}** Study: {study.title} (digest {study.digest}), seed {source.trial.seed}, "
        f"replicate {source.trial.replicate}. The first day is {source.calendar.start}, a Monday.",
        _datasets(datasets),
        _CONVENTIONS,
        _visits(source),
        _disposition(source),
        _scales(source),
        _own_terms(datasets),
        *analyses(source, result),
        _ABSENT,
    ]
    return "\n\n".join(parts) + "\n"


_CONVENTIONS = f"""\
## Conventions

- SDTMIG 3.4 and ADaMIG 1.3; CDISC controlled terminology of {PUBLISHED}. Each dataset is there as
  XPT version 5 and as Dataset-JSON 1.1, and described by the `define.xml` beside it.
- STUDYID and the label of every dataset say that the data are simulated.
- USUBJID is study, site and screening number. Screening numbers that are missing belong to
  candidates of another course of recruitment; nobody was left out.
- RFSTDTC is randomisation, which is when the first infusion is due; study day 1 is its date, and
  there is no day 0. Times are to the minute.
- Whoever was not randomised has no arm; ARMNRS says SCREEN FAILURE, or NOT ASSIGNED where the
  criteria were met and the first infusion could not start in time or recruitment was closed.
  Whoever was never infused has no actual arm: ASSIGNED, NOT TREATED.
- EPOCH: SCREENING until randomisation, TREATMENT until the end of the course, its discontinuation
  or leaving the trial, then FOLLOW-UP. The baseline visit comes before the first infusion and is of
  the SCREENING epoch.
- EX has the infusions that were given; what was planned and not given, and not for having
  discontinued or left, is a deviation in DV.
- Screening values are in the domain of their scale, at the visit SCREENING; what is neither a scale
  nor a vital sign is in SC. Flags are Y or empty, population flags Y or N."""

_ABSENT = """\
## What is not simulated

Race, ethnicity, country, informed consent, adverse events, concomitant treatment and the reasons of
withdrawal are not simulated: the variables are empty or the datasets absent. Indication, sponsor,
phase, blinding and route are in TS with the null flavour UNK, EXROUTE and EXDOSFRM are empty: a
study file does not say them. TS has what a study file says, which is not every parameter that an
agency asks for. SRCDOM, SRCVAR and SRCSEQ of ADEFF are those of the scores that were observed: a
derived score has no one record that it is from. Datasets without a record are not written."""


def _datasets(datasets: Sequence[Dataset]) -> str:
    rows = [
        (one.folder, one.name, one.title, one.structure, ", ".join(one.keys), str(len(one.frame)))
        for one in datasets
    ]
    heads = ("Folder", "Dataset", "Title", "Structure", "Keys", "Records")
    return f"## Datasets\n\n{_table(heads, rows)}"


def _visits(source: Source) -> str:
    visits = source.visits
    rows = [
        (f"{number:g}", visit, "from onset" if day != day and number > 1 else _day(day))
        for number, visit, day in zip(
            visits["VISITNUM"], visits["VISIT"], visits["VISITDY"], strict=True
        )
    ]
    return f"## Visits\n\n{_table(('VISITNUM', 'VISIT', 'VISITDY'), rows)}"


def _day(day: float) -> str:
    return "" if day != day else f"{day:g}"


def _disposition(source: Source) -> str:
    possible = happening(source.study)
    rows = [
        (one.name, one.term, one.decode, one.ends or "none")
        for one in kinds()
        if one.name in possible
    ]
    heads = ("Event in the study file", "DSTERM", "DSDECOD", "Ends")
    return (
        "## Disposition\n\nEvery kind of intercurrent event that the study can have; ADTTE has the "
        f"time to each.\n\n{_table(heads, rows)}"
    )


def _scales(source: Source) -> str:
    rows = []
    for name, test in {**source.tests.covariates, **source.tests.outcomes}.items():
        owner = "sponsor" if test.nci is None else f"CDISC, {test.nci}"
        rows.append((name, test.label, test.domain, test.category, test.code, test.name, owner))
    heads = ("Study file", "Label", "Domain", "Category", "Code", "Test", "Defined by")
    return (
        "## Scales and covariates\n\nThe code is --TESTCD, PARAMCD in ADEFF, and the name of the "
        f"covariate in ADSL.\n\n{_table(heads, rows)}"
    )


def _own_terms(datasets: Sequence[Dataset]) -> str:
    rows = {
        (f"{one.name}.{variable.name}", term.value)
        for one in datasets
        for variable in one.variables
        if variable.codes is not None and not variable.codes.is_sponsors
        for term in variable.codes.terms
        if term.code is None
    }
    said = "These extend a code list of CDISC and are marked in `define.xml` (def:ExtendedValue)."
    return f"## Terms of the sponsor\n\n{said}\n\n{_table(('Variable', 'Term'), sorted(rows))}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; a bar in a cell becomes a slash.

    >>> print(_table(["Code"], [["A|B"]]))
    | Code |
    | --- |
    | A/B |
    """
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(one.replace('|', '/') for one in line)} |" for line in lines)

"""Everything that leaves of one trial in CDISC's formats: datasets, descriptions and the guide."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from trialsim.analysis.analyse import Analysis
from trialsim.errors import InputError, Problem
from trialsim.reporting.cdisc.adam.efficacy import efficacy
from trialsim.reporting.cdisc.adam.exposure import exposure_analysis
from trialsim.reporting.cdisc.adam.subject_level import subject_level
from trialsim.reporting.cdisc.adam.time_to_event import time_to_event
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.files.analyses import Analysed, analysed
from trialsim.reporting.cdisc.files.dataset_json import dataset_json
from trialsim.reporting.cdisc.files.define_xml import define_xml
from trialsim.reporting.cdisc.files.guide import reviewers_guide
from trialsim.reporting.cdisc.files.xpt import write_xpt
from trialsim.reporting.cdisc.metadata import Dataset, problems_of
from trialsim.reporting.cdisc.scales import TITLES
from trialsim.reporting.cdisc.sdtm.events import events
from trialsim.reporting.cdisc.sdtm.exposure import exposure
from trialsim.reporting.cdisc.sdtm.findings import findings
from trialsim.reporting.cdisc.sdtm.subjects import subjects
from trialsim.reporting.cdisc.sdtm.trial_design import trial_design
from trialsim.reporting.cdisc.source import Source
from trialsim.simulated import SimulatedTrial

NEEDED: Final = ("pyreadstat", "odmlib")
GUIDE: Final = "reviewers_guide.md"
DEFINE: Final = "define.xml"
NAMES: Final = {
    "sdtm": (
        *("TA", "TE", "TI", "TS", "TV", "DM", "SE", "SV", "IE", "DS", "DV", "EX"),
        *TITLES,
    ),
    "adam": ("ADSL", "ADEX", "ADEFF", "ADTTE"),
}
"""Every dataset that there may be, by folder."""
FOLDERS: Final = tuple(NAMES)


class File(NamedTuple):
    """One file to be written."""

    write: Callable[[Path], object]
    rows: int | None = None
    """Records of a dataset."""


def check_installed() -> None:
    """Refuse to begin where what writes the files is not installed.

    Raises
    ------
    InputError
        If it is not.
    """
    if any(find_spec(name) is None for name in NEEDED):
        rule = f"cdisc needs {' and '.join(NEEDED)}: pip install 'trialsim[cdisc]'"
        raise InputError([Problem("--format", rule)])


def file_names() -> set[str]:
    """Return every name that a file of a package may have."""
    return {GUIDE} | {
        f"{folder}/{name}"
        for folder, names in NAMES.items()
        for name in (DEFINE, *(f"{one.lower()}.{end}" for one in names for end in ("xpt", "json")))
    }


def datasets_of(source: Source) -> list[Dataset]:
    """Return every dataset that has a record, SDTM first.

    Raises
    ------
    InputError
        With all that XPT version 5 cannot hold, such as a label with characters beyond ASCII.
    """
    every = [
        *trial_design(source),
        *subjects(source),
        *events(source),
        *exposure(source),
        *findings(source),
        subject_level(source),
        exposure_analysis(source),
        efficacy(source),
        time_to_event(source),
    ]
    found = [one for one in every if len(one.frame)]
    problems = [problem for one in found for problem in problems_of(one)]
    if problems:
        raise InputError(problems)
    return found


def cdisc_files(trial: SimulatedTrial, result: Analysis, study_start: str) -> dict[str, File]:
    """Return the files of a trial by their names, with folders.

    Their bytes depend on the trial and the date alone: they say of themselves that they were made
    on the first day of the study.

    Raises
    ------
    InputError
        If the date is none, or no Monday, or XPT cannot hold a text of the study.
    """
    check_installed()
    source = Source(trial, calendar_from(study_start))
    datasets = datasets_of(source)
    guide = reviewers_guide(source, result, datasets)
    return {
        GUIDE: File(partial(_write, guide.encode())),
        **dict(_files(source, datasets, analysed(source, result))),
    }


def _files(
    source: Source, datasets: list[Dataset], results: list[Analysed]
) -> Iterator[tuple[str, File]]:
    for folder in NAMES:
        mine = [one for one in datasets if one.folder == folder]
        said = define_xml(mine, source, f"../{GUIDE}", results if folder == "adam" else ())
        for one in mine:
            name, rows = f"{folder}/{one.name.lower()}", len(one.frame)
            content = json.dumps(
                dataset_json(one, source.study_id, source.created), allow_nan=False
            )
            yield f"{name}.xpt", File(partial(write_xpt, one), rows)
            yield f"{name}.json", File(partial(_write, content.encode()), rows)
        yield f"{folder}/{DEFINE}", File(partial(_write, said))


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)

"""A result, or a study, as Python shows it: in a line, in a text, in a notebook, and in a file."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from trialsim.analysis.analyse import Analysis
from trialsim.errors import InputError, Problem
from trialsim.legible import legible
from trialsim.questions.assurance.assurance import Assurance
from trialsim.questions.calibration.calibrate import CalibrationResult
from trialsim.questions.calibration.reproduce import Reproduction
from trialsim.questions.compare import Comparison
from trialsim.questions.count_power import CountPower
from trialsim.questions.estimands.missingness import Missingness
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.family_wise_error import FamilyWiseErrors
from trialsim.questions.monitoring.board import Board
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.questions.nuisance import Nuisance
from trialsim.questions.programmes.disagreement import Disagreement
from trialsim.questions.size.power_curve import PowerCurve
from trialsim.questions.size.sample_size import SampleSize
from trialsim.questions.tipping_point import TippingPoint
from trialsim.questions.type_one_error import TypeOneError
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.replicates.result import SIMULATED, PowerResult
from trialsim.reporting.named_file import write_named
from trialsim.reporting.result_tables import write_result_table
from trialsim.reporting.table_format import TABLES
from trialsim.reporting.tables.captions import (
    caption,
    caption_of,
    caption_of_analysis,
    caption_of_bounds,
    caption_of_one,
)
from trialsim.reporting.text.analysis import analysis_text
from trialsim.reporting.text.board import board_text
from trialsim.reporting.text.bounds import bounds_text
from trialsim.reporting.text.comparison import assurance_text, size_text, what_if_text
from trialsim.reporting.text.estimands import estimands_text, missingness_text
from trialsim.reporting.text.power import power_text
from trialsim.reporting.text.programme import disagreement_text
from trialsim.reporting.text.reproduction import calibration_text, reproduction_text
from trialsim.reporting.text.robustness import (
    family_wise_errors_text,
    nuisance_text,
    quartiles_in_words,
    tipping_point_text,
    type_one_error_text,
)
from trialsim.reporting.text.words import error_text
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.scenario.programme import Programme, Study, differences
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.description import Section, as_text
from trialsim.scenario.words.programme import describe_study
from trialsim.scenario.words.values import counted
from trialsim.simulated import SimulatedTrial
from trialsim.stats.monte_carlo import Proportion

if TYPE_CHECKING:
    from trialsim.reporting.figures.canvas.drawing import Drawing
    from trialsim.reporting.progress import Progress

_MOST_ROWS: Final = 20
_WIDTH: Final = 100


def plot(result: Any, kind: str | None, **options: Any) -> "Drawing":
    """Return a figure of a result; see `trialsim.plot`."""
    from trialsim.reporting.figures.catalogue import plot as drawn

    return drawn(result, kind, **options)


def line(shown: Any) -> str:
    """Return what something is in a line: its class, its study, and the answer with its error."""
    said = f"<{type(shown).__name__} {_study(shown)}: {_said(shown)}>"
    return legible(" ".join(said.split()))


def text(shown: Any) -> str:
    """Return what the command line prints of something, or what it is with its table."""
    return legible(_printed(shown))


def html(shown: Any) -> str:
    """Return a result as HTML; of a long table the first rows. Of a study its description."""
    if isinstance(shown, Scenario | Programme):
        return _described(shown)
    frame = shown.to_frame()
    table = frame.head(_MOST_ROWS).to_html(
        index=False, border=0, na_rep="", float_format=lambda number: f"{number:.4g}"
    )
    left_out = len(frame) - _MOST_ROWS
    more = (
        f"<p>and {left_out:,} further rows in <code>to_frame()</code></p>" if left_out > 0 else ""
    )
    conventions = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(sentence)}</dd>"
        for name, sentence in getattr(shown, "conventions", {}).items()
    )
    told = f"<details><summary>Conventions</summary><dl>{conventions}</dl></details>"
    return (
        f"<div><p><strong>{escape(_said(shown))}</strong><br>{escape(_origin(shown))}</p>"
        f"{table}{more}{told if conventions else ''}</div>"
    )


def save(result: Any, path: str | Path, overwrite: bool) -> None:
    """Write a result to a file, as what its name ends in says.

    Raises
    ------
    InputError
        If the result has nothing to write that ends so, or a file there may not be overwritten.
    RunError
        If it cannot be written.
    """
    path = Path(path)
    suffixes = [".json"] * hasattr(result, "to_dict") + [*TABLES, ".txt"]
    if path.suffix.lower() not in suffixes:
        rule = f"must end in {', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError([Problem("path", rule, str(path))])
    if path.suffix.lower() in TABLES:
        write_result_table(result, path, "path", overwrite)
        return
    is_json = path.suffix.lower() == ".json"
    content = f"{as_json(result.to_dict()) if is_json else text(result)}\n"
    write_named(path, content.encode(), "path", overwrite)


def bar(replicates: int | None) -> "Progress":
    """Return what shows how far so many replicates are, as long as it is open."""
    from trialsim.reporting.progress import Progress

    return Progress(replicates)


def yaml(study: Study) -> str:
    """Return the whole file of a study."""
    return to_yaml(study)


def description(study: Study) -> str:
    """Return a study in words, and the status of each number."""
    return text(study)


def difference(study: Study, other: Study | str | Path) -> dict[str, tuple[Any, Any]]:
    """Return both values of what differs between two studies, by path."""
    other = load_study(other)
    back = differences(other, study)
    return {path: (back.get(path), value) for path, value in differences(study, other).items()}


def _study(shown: Any) -> str:
    """Return the name of the study that something is about."""
    match shown:
        case Scenario() | Programme():
            return str(vars(shown).get("name", "without a name"))
        case CalibrationResult():
            return shown.study.name
        case TypeOneError():
            return shown.result.scenario
        case Nuisance():
            return shown.first.result.scenario
        case Comparison():
            return f"{shown.a.name} and {shown.b.name}"
        case PowerCurve() | SimulatedTrial():
            return shown.scenario.name
        case _:
            return str(shown.scenario)


def _described(study: Scenario | Programme) -> str:
    """Return a study as HTML, its sections to be opened one by one."""
    told = describe_study(study)
    about = f"{told.name}, digest {told.digest}. {told.summary}"
    sections = "".join(_section(one) for one in told.sections)
    return (
        f"<div><p><strong>{escape(told.title)}</strong><br>{escape(about)} {SIMULATED}</p>"
        f"{sections}</div>"
    )


def _section(section: Section) -> str:
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.words)
    rows = "".join(
        f"<tr><td>{escape(row.label)}</td><td>{escape(row.text)}</td><td>{row.status}</td></tr>"
        for row in section.rows
    )
    table = f"<table>{rows}</table>" if rows else ""
    return f"<details><summary>{escape(section.title)}</summary>{words}{table}</details>"


def _printed(shown: Any) -> str:
    """Return a text of something, under the name of its study where its title is not known."""
    match shown:
        case Scenario() | Programme():
            return as_text(describe_study(shown))
        case PowerResult():
            return power_text(shown.scenario, shown)
        case WhatIf():
            return what_if_text(shown.scenario, shown)
        case SampleSize():
            return size_text(shown.scenario, shown)
        case Assurance():
            return assurance_text(shown.scenario, shown)
        case TypeOneError():
            return type_one_error_text(shown.result.scenario, shown)
        case FamilyWiseErrors():
            return family_wise_errors_text(shown.scenario, shown)
        case Nuisance():
            return nuisance_text(shown.first.result.scenario, shown)
        case TippingPoint():
            return tipping_point_text(shown.scenario, shown)
        case Estimands():
            return estimands_text(shown.study.title, shown)
        case Missingness():
            return missingness_text(shown.found[0].study.title, shown)
        case BoundsResult():
            return bounds_text(shown.scenario, shown)
        case Reproduction():
            return reproduction_text([shown])
        case CalibrationResult():
            return calibration_text(shown)
        case Disagreement():
            return disagreement_text(shown)
        case Board():
            return f"{shown.scenario}\n{fill(_origin(shown), _WIDTH)}\n\n{board_text(shown)}"
        case Analysis():
            return f"{shown.scenario}\n{fill(_origin(shown), _WIDTH)}\n\n{analysis_text(shown)}"
        case _:
            return "\n".join(_tabled(shown))


def _tabled(shown: Any) -> Iterator[str]:
    """Yield what a result says, where it comes from, and its table."""
    yield _said(shown)
    yield f"{fill(_origin(shown), _WIDTH)}\n"
    yield shown.summary().to_string(
        index=False, na_rep="-", float_format=lambda number: f"{number:.4g}"
    )


def _said(shown: Any) -> str:
    """Return something in a few words, its answer with its error."""
    match shown:
        case PowerResult():
            low, high = shown.ci
            return f"Power {shown.power:.4f} (95% Monte Carlo interval {low:.4f} to {high:.4f})"
        case WhatIf():
            power, others = shown.rows[0].power, counted(len(shown.rows) - 1, "alternatives")
            return (
                f"{others} beside {shown.scenario}, paired with it, whose power is "
                f"{power.estimate:.4f} (MCSE {power.mcse:.4f})"
            )
        case SampleSize():
            return (
                f"{shown.path} for a power of {shown.target:g}: {shown.value:g} "
                f"({shown.low:g} to {shown.high:g}), confirmed power {shown.power:.4f} "
                f"(MCSE {shown.mcse:.4f})"
            )
        case Assurance():
            return (
                f"Probability of success {shown.probability:.4f} (MCSE {shown.mcse:.4f}), "
                f"{shown.prior.title}"
            )
        case TippingPoint():
            never, told = shown.never, quartiles_in_words(shown)
            return f"{told}, never {never.estimate:.4f} (MCSE {error_text(never.mcse)})"
        case Estimands():
            return _truth_said(shown)
        case TypeOneError():
            return _of_level("Type I error", shown.error, shown.alpha)
        case FamilyWiseErrors():
            return _of_level("Largest family-wise error", shown.errors[shown.worst], shown.alpha)
        case Nuisance():
            return f"Type I error {shown.verdict}"
        case CountPower():
            return f"Power {shown.power:.4f} (MCSE {shown.mcse:.4f}), from counts by cell"
        case CalibrationResult():
            solved = (f"{one.path} {one.value:.6g} (MCSE {one.error:.2g})" for one in shown.rows)
            return ", ".join(solved)
        case Disagreement():
            share = shown.disagree
            return f"Trials disagree in {share.estimate:.4f} of replicates (MCSE {share.mcse:.4f})"
        case _:
            return _described_briefly(shown)


def _of_level(what: str, error: Proportion, level: float) -> str:
    return (
        f"{what} {error.estimate:.4f} (95% Monte Carlo interval {error.low:.4f} to "
        f"{error.high:.4f}), level {level:g}"
    )


def _described_briefly(shown: Any) -> str:
    """Return in a few words what has no one answer with an error."""
    match shown:
        case Missingness():
            return f"Bias of analyses in {len(shown.variants)} studies"
        case Reproduction():
            agree = sum(row.verdict == "reproduced" for row in shown.rows)
            return f"{agree} of {len(shown.rows)} published figures reproduced"
        case BoundsResult():
            sides = "two-sided" if shown.sides == 2 else "one-sided"
            return f"Bounds of {len(shown.looks)} analyses, level {shown.alpha:g} {sides}"
        case Board():
            verdict = "rejects" if shown.rejects else "does not reject"
            return (
                f"The trial {verdict} the null hypothesis, at {shown.looks[-1].name}: estimate "
                f"{shown.estimate:.4f} ({shown.low:.4f} to {shown.high:.4f})"
            )
        case PowerCurve():
            return f"Power along {shown.path}"
        case Analysis():
            low, high = shown.ci
            return f"{shown.primary.quantity} {shown.estimate:.4f} ({low:.4f} to {high:.4f})"
        case Comparison():
            return f"{counted(len(shown.to_frame()), 'differences')}, the same patients in both"
        case Scenario() | Programme():
            return str(vars(shown).get("title", "without a title"))
        case _:
            return f"{shown.scenario.title}: the patients of one trial"


def _truth_said(result: Estimands) -> str:
    """Return the true value of the estimand that the primary analysis is for."""
    analyses = "one analysis" if len(result.analysed) == 1 else f"{len(result.analysed)} analyses"
    many = f"{counted(len(result.named), 'estimands')} and {analyses}"
    if not result.analysed:
        return many
    primary = result.analysed[0]
    (own,) = (one for one in result.matrix if one.analysis == primary.name and one.is_named)
    return (
        f"{many}; {primary.estimand} {own.truth.estimate:.4f} (MCSE {own.truth.mcse:.4f}), bias of "
        f"the {primary.name} analysis {own.bias.estimate:.4f} (MCSE {own.bias.mcse:.4f})"
    )


def _origin(result: Any) -> str:
    match result:
        case SimulatedTrial():
            scenario = result.scenario
            return caption_of_one(scenario.name, scenario.digest, result.seed, result.replicate)
        case Analysis():
            return caption_of_analysis(result)
        case TypeOneError():
            return caption_of(result.result)
        case Nuisance():
            return caption_of(result.first.result)
        case Board():
            return caption_of_one(result.scenario, result.digest, result.seed, result.replicate)
        case BoundsResult():
            return caption_of_bounds(result)
        case CalibrationResult():
            study = result.study
            return caption(study.name, study.digest, result.seed, result.simulated)
        case Comparison():
            return " ".join(_compared(result))
        case PowerCurve():
            study, tried = result.scenario, result.candidates()
            most = max((candidate.replicates for candidate in tried), default=0)
            return caption(study.name, study.digest, result.seed, most)
        case _:
            return caption_of(result)


def _compared(result: Comparison) -> Iterator[str]:
    for study in (result.a, result.b):
        yield f"Scenario {study.name} ({study.digest})."
    yield f"Seed {result.seed}. {SIMULATED}"

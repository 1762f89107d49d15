"""What the page looks like before anything has happened on it."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from shiny import ui
from shiny.ui import Tag, TagChild, TagList, tags

from trialsim.app.fields import Field, Group
from trialsim.app.limits import LARGEST_SEED, MOST_BYTES, MOST_DESIGNS, MOST_REPLICATES
from trialsim.app.requests import OF_EACH_CHANGE, WITHOUT_EFFECT
from trialsim.errors import Problem
from trialsim.legible import legible
from trialsim.replicates.result import SIMULATED
from trialsim.scenario.files.builtin import builtin_studies, title_of

OWN: Final = "own"
"""The choice of the file that was uploaded."""
GIVEN: Final = "given"
"""The choice of the study with which the program was started, if it is in a file."""
_TITLE: Final = "Plan a trial"


def page(given: str | None, selected: str) -> Tag:
    """Return the page.

    Parameters
    ----------
    given
        The name of the study with which the program was started, if it is in a file.
    selected
        The choice that is open at first.
    """
    return ui.page_fluid(
        ui.head_content(
            tags.meta(name="color-scheme", content="light dark"),
            tags.link(rel="icon", href="data:,"),
            tags.style(_asset("trialsim.reporting", "templates/style.css")),
            tags.style(_asset("trialsim.app", "page.css")),
            tags.script(_asset("trialsim.app", "page.js")),
        ),
        tags.a("To the results", href="#results", class_="skip"),
        tags.p(SIMULATED, class_="simulated", role="note"),
        tags.header(tags.h1(_TITLE), tags.p(_about(), class_="quiet")),
        tags.main(_design(given, selected), _results()),
        tags.footer(tags.p(SIMULATED)),
        title=f"{_TITLE}: trialsim",
        lang="en",
    )


def _about() -> str:
    return (
        "Choose a study, change its design, and simulate the trial many times. Every estimate has "
        "its Monte Carlo standard error (MCSE)."
    )


def _asset(package: str, name: str) -> TagChild:
    return ui.HTML(files(package).joinpath(name).read_text(encoding="utf-8"))


def _design(given: str | None, selected: str) -> Tag:
    """Return where a study is chosen and changed."""
    first = {} if given is None else {GIVEN: f"{given}, as given"}
    known = {name: f"{name}: {title_of(file)}" for name, file in builtin_studies().items()}
    choices = {**first, **known, OWN: "the file below"}
    limit = f"or a study file of your own, at most {MOST_BYTES // 1000} kB"
    return tags.section(
        tags.h2("Design"),
        ui.input_select("choice", "Study", choices, selected=selected),
        ui.input_file("file", limit, accept=[".yaml", ".yml"]),
        ui.output_ui("problems"),
        ui.output_ui("fields"),
        ui.input_action_button("reset", "As the study says"),
        ui.output_ui("changed"),
        id="design",
        aria_label="Design",
        data_most=MOST_BYTES,
    )


def fields_tags(groups: Sequence[Group], ids: Mapping[str, str]) -> Tag:
    """Return the fields of a study, each with a slider, under their headings.

    Parameters
    ----------
    ids
        The name of each field's input, by its path.
    """
    parts = (
        tags.fieldset(
            tags.legend(one.title), *(_field(field, ids[field.path]) for field in one.fields)
        )
        for one in groups
    )
    return tags.div(*parts, class_="fields")


def _field(field: Field, name: str) -> Tag:
    step = "1" if field.is_whole else "any"
    ends = {"min": field.low, "max": field.high}
    bounds = {key: f"{end:g}" for key, end in ends.items() if end is not None and end < 1e6}
    low, high = field.ends
    return tags.div(
        tags.label(field.label, for_=name),
        tags.input(
            type="number",
            id=name,
            value=f"{field.value:.12g}",
            step=step,
            class_="shiny-input-number form-control",
            aria_describedby=f"{name}-about",
            data_path=field.path,
            **bounds,
        ),
        tags.input(
            type="range",
            min=f"{low:g}",
            max=f"{high:g}",
            step=f"{field.step:g}",
            value=f"{field.value:.12g}",
            aria_label=f"{field.label}, slider",
            data_for=name,
        ),
        tags.small(field.description, id=f"{name}-about", class_="quiet"),
        class_="field shiny-input-container",
    )


def problem_tags(problems: Sequence[Problem], lines: Sequence[str] = ()) -> Tag | None:
    """Return what is wrong, each with its place; None if nothing is.

    Parameters
    ----------
    lines
        Those of the file in which the problems are, to be shown.
    """
    if not problems:
        return None
    return tags.div(
        tags.strong("This cannot be simulated:" if not lines else "The file cannot be read:"),
        tags.ul(*(_problem(one, lines) for one in problems)),
        class_="problems",
        role="alert",
    )


def _problem(problem: Problem, lines: Sequence[str]) -> Tag:
    line = problem.line
    shown = lines[line - 1].rstrip() if line is not None and line <= len(lines) else ""
    source = tags.pre(f"{line}: {shown[:200]}") if shown else None
    return tags.li(tags.code(legible(str(problem))), source)


def _results() -> Tag:
    """Return where a run is begun and seen."""
    return tags.section(
        tags.h2("Results"),
        tags.div(
            _number("replicates", "Simulated trials", 2000, 1, MOST_REPLICATES),
            _number("seed", "Seed", 2016, 0, LARGEST_SEED),
            ui.input_action_button("run", "Run", class_="btn-primary"),
            ui.input_action_button("stop", "Stop"),
            class_="bar",
        ),
        tags.div(
            tags.progress(id="progress", aria_label="Progress of the run", value="0", max="1"),
            tags.span(id="status", role="status"),
            id="running",
        ),
        ui.output_ui("refused"),
        ui.output_ui("stale"),
        ui.navset_tab(
            ui.nav_panel("Power", ui.output_ui("power")),
            ui.nav_panel("Recruitment and flow", ui.output_ui("conduct")),
            ui.nav_panel("Power curve", _curve(), ui.output_ui("curve")),
            ui.nav_panel("One trial", _trial(), ui.output_ui("trial")),
            ui.nav_panel("Compare", _compare(), ui.output_ui("compare")),
            ui.nav_panel("Download", _download()),
            id="tab",
        ),
        id="results",
        tabindex="-1",
        aria_label="Results",
    )


def _number(name: str, label: str, value: int, low: int, high: int) -> Tag:
    return ui.input_numeric(name, label, value, min=low, max=high, step=1)


def _curve() -> TagList:
    return TagList(
        tags.p("Power along one number of the design, every value on the same trials."),
        tags.div(
            ui.output_ui("along_choice"),
            ui.output_ui("along_ends"),
            ui.input_action_button("draw", "Draw the curve", class_="btn-primary"),
            class_="bar",
        ),
    )


def _trial() -> TagList:
    return TagList(
        tags.p("One of the simulated trials, and one of its patients, in every arm."),
        tags.div(
            _number("replicate", "Trial, from 0", 0, 0, LARGEST_SEED),
            ui.input_action_button("show_trial", "Show the trial", class_="btn-primary"),
            _number("patient", "Patient, from 1", 1, 1, 1_000_000),
            ui.input_action_button("show_patient", "Show the patient", class_="btn-primary"),
            class_="bar",
        ),
    )


def _compare() -> TagList:
    return TagList(
        tags.p(
            f"Keep up to {MOST_DESIGNS} designs, then compare each with the first of them on the "
            "same simulated trials: differences are paired, trial by trial."
        ),
        tags.div(
            ui.input_text("name", "Name of this design", "design 1"),
            ui.input_action_button("keep", "Keep this design"),
            ui.input_action_button("compare_kept", "Compare", class_="btn-primary"),
            ui.input_action_button("forget", "Forget all"),
            class_="bar",
        ),
        ui.output_ui("kept"),
    )


def _download() -> TagList:
    return TagList(
        tags.p(
            "The study file of the design as it stands, whole: the command line reads it. Tables "
            "and pages are those of the runs above. A report is simulated anew, which takes about "
            f"half a minute: {WITHOUT_EFFECT:,} trials without effect and "
            f"{OF_EACH_CHANGE} of each change stand beside those of its run."
        ),
        tags.div(
            ui.download_button("study_file", "Study file (YAML)"),
            ui.input_action_button("make_report", "Make the report"),
            class_="bar",
        ),
        ui.output_ui("files"),
    )

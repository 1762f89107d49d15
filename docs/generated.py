"""The pages that are read off the package as the site is built: commands, Python, statistics."""

import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import typer

import trialsim
import trialsim.stats
from trialsim.cli.app import app
from trialsim.scenario.plan.methods.registry import METHODS, name_of
from trialsim.scenario.words.plan import plan_in_words
from trialsim.shown import Shown
from trialsim.validation.reference import reference_checks

GROUPS: Final = {
    "questions": ("Questions", "A function for each question, and what reads studies and runs."),
    "results": ("Results", "What the functions return. Each prints, draws and saves itself."),
    "studies": ("Studies and data", "What a study is, and what one's own functions are handed."),
    "errors": ("Errors", "What is raised on purpose; all of it can be caught as `TrialsimError`."),
}
"""The pages of the Python reference: their heading, and a sentence."""


SAID: Final = ("estimate", "test", "variance", "interval", "ties", "small_samples", "death")
"""Conventions that differ between methods of analysis."""
OF_METHOD: Final[dict[str, dict[str, Any]]] = {
    "permutation": {"statistic": "brunner_munzel", "permutations": 999},
    "re_randomisation": {"statistic": "mann_whitney"},
    "adjusted_rank": {"covariates": {"arat": "rank"}},
    "wei_lachin": {"outcomes": ["nihss", "mrs"]},
    "obrien": {"outcomes": ["nihss", "mrs"]},
    "win_statistic": {"order": [{"death": {"by": "day_90"}}, {"arat": {"difference": 6}}]},
    "ancova": {"covariates": ["arat"]},
    "weighted_mann_whitney": {"covariates": ["arat"]},
    "weighted_means": {"covariates": ["arat"]},
    "responders": {"threshold": 45},
    "standardised_mann_whitney": {"covariates": ["arat"]},
    "log_rank": {"threshold": 45},
    "restricted_mean": {"threshold": 45, "horizon_days": 90},
    "interaction": {
        "subgroup": {"label": "NIHSS above 8", "covariate": "nihss", "at_least": 9},
        "of": "mann_whitney",
    },
}
"""What a method needs beside its name, in the study that says its conventions."""


_TYPE: Final = re.compile(r" <(str|list\[str\])>$")
"""What Python calls a text or several, after the name of an argument."""


def write_pages(folder: Path) -> None:
    """Write every generated page into a folder, and leave alone those that would be the same."""
    folder.mkdir(exist_ok=True)
    pages = {
        "commands.md": commands_page(),
        "methods_in_words.md": methods_in_words(),
        "reference_values.md": reference_values(),
        **{f"python_{group}.rst": python_page(group) for group in GROUPS},
        **{f"stats_{room}.rst": page for room, page in statistics_pages()},
    }
    for name, page in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")


def commands_page() -> str:
    """Return every command with its arguments and options, in the words of its help."""
    root = typer.main.get_command(app)
    parts = [
        "# Commands",
        "Every command prints its help with `--help`. Results go to standard output, progress to "
        "standard error. Exit status: 0 done, 1 a run failed, 2 the input is wrong, 130 "
        "interrupted.",
    ]
    for path, command in _commands(root, "trialsim"):
        parts += [f"{'#' * (1 + path.count(' '))} {path}", inspect.cleandoc(command.help or "")]
        parts += list(_parameters(path, command))
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"{path} {name}", command
            if hasattr(command, "commands"):
                yield from _commands(command, f"{path} {name}")


def _parameters(path: str, command: Any) -> Iterator[str]:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    if hasattr(command, "commands"):
        return
    usage = " ".join(one.metavar or one.name.upper() for one in arguments)
    yield f"```text\n{path} {usage} [OPTIONS]\n```".replace("  ", " ")
    within = command.context_class(command)
    rows = [one.get_help_record(within) for one in shown if one.help]
    if rows:
        lines = [f"| `{_cell(_TYPE.sub('', name))}` | {_cell(said)} |" for name, said in rows]
        yield "\n".join(["| | |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("  [", " [")


def methods_in_words() -> str:
    """Return the conventions of every method of analysis, as a plan that has it is printed."""
    base, parts = trialsim.load("cars1"), []
    for method in METHODS:
        name = name_of(method)
        test = {"method": name, **OF_METHOD.get(name, {})}
        changes: dict[str, Any] = {"analysis.secondary": {}, "analysis.test": test}
        if method.needs_numbers:
            changes["analysis.death"] = "as_missing"
        if method.own_missing:
            changes["analysis.missing"] = method.own_missing
        try:
            study = base.replace(changes)
        except trialsim.InputError:  # a study of its own kind; of one's own analysis, one's own
            lines = ["`trialsim show` prints the conventions of a study that has it."]
        else:
            told = plan_in_words(study.analysis, study.outcomes)
            lines = [f"- *{part.replace('_', ' ')}*: {_plain(told[part])}" for part in SAID]
        parts += [f"### `{name}`", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def reference_values() -> str:
    """Return a table of the reference cases of each topic, as they are met here and now."""
    parts = []
    computed = (check for check in reference_checks() if check.outcome != "not checked")
    for topic, checks in groupby(computed, key=lambda check: check.topic):
        rows = [
            f"| {_plain(one.what)} | `{_cell(one.expected)}` | `{one.found}` | {one.outcome} "
            f"| {_plain(one.source)} |"
            for one in checks
        ]
        head = ["| case | expected | found | | source |", "|---|---|---|---|---|"]
        parts += [f"### {topic.replace('_', ' ').capitalize()}", "\n".join([*head, *rows])]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Return a text in which nothing has a meaning to Markdown."""
    return re.sub(r"([|*_<`$\[\]])", r"\\\1", text)


def python_page(group: str) -> str:
    """Return a page of the Python reference as autodoc reads it."""
    title, said = GROUPS[group]
    parts = [title, "=" * len(title), "", said.replace("`", "``"), ""]
    parts += [".. currentmodule:: trialsim", ""]
    for name in trialsim.__all__:
        public = getattr(trialsim, name)
        if _group_of(public) == group:
            kind = "function" if inspect.isfunction(public) else "class"
            parts += [f".. auto{kind}:: trialsim.{name}"]
            parts += ["   :members:"] if kind == "class" else []
            parts += [""]
    return "\n".join(parts)


def _group_of(public: Any) -> str:
    if not inspect.isclass(public):
        return "questions"
    if issubclass(public, Exception) or public is trialsim.Problem:
        return "errors"
    return "results" if issubclass(public, Shown) else "studies"


def statistics_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each room of the statistics, with every module's docstrings."""
    rooms: dict[str, list[str]] = {}
    for module in _modules():
        parts = module.removeprefix("trialsim.stats.").split(".")
        rooms.setdefault(parts[0] if len(parts) > 1 else "others", []).append(module)
    for room, modules in rooms.items():
        title = "Other statistics" if room == "others" else room.replace("_", " ").capitalize()
        lines = [title, "=" * len(title), ""]
        if room != "others":
            first = inspect.getdoc(import_module(f"trialsim.stats.{room}")) or ""
            lines += [first, ""]
        for module in modules:
            name = module.split(".")[-1].replace("_", " ").capitalize()
            lines += [name, "-" * len(name), "", f".. automodule:: {module}", "   :members:", ""]
        yield room, "\n".join(lines)


def _modules() -> Iterable[str]:
    found = pkgutil.walk_packages(trialsim.stats.__path__, "trialsim.stats.")
    return sorted(one.name for one in found if not one.ispkg)

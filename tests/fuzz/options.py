"""Each command as its users give it, with one hostile value: it does what it says, or refuses it.

Run as a program it takes how many command lines, the seed, and the folder in which every path lies;
it prints one JSON object. Each runs in a process of its own, with bounded memory, time and files,
forked from one that has loaded what they need. Options and arguments are those that the program
itself tells.
"""

import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

from trialsim.cli import run
from trialsim.cli.app import program
from trialsim.scenario.files.studies import load_study

MEMORY: Final = 4_000_000_000
"""Bytes of address space of one command, of which the libraries take two thirds."""
FILE: Final = 50_000_000
"""Bytes of a file that it writes."""
SECONDS: Final = 20
"""Of the processor, for one command."""
WAIT: Final = 90
"""Seconds of the clock, for one that waits for something that never comes."""
NUMBERS: Final = ("0", "1", "-1", "2", "5", "2016", str(2**31), str(2**64), str(-(2**63)), "1e3")
FLOATS: Final = ("0", "1", "0.5", "0.9", "-1", "1e-300", "1e308", "inf", "-inf", "nan", "1e-6", "x")
TEXTS: Final = (
    *("", " ", "x", "null", "a.b", "a=", "=1", "nan", "\x1b[2J", "$x$", "=1+1", "w" * 5_000, "-"),
    *("analysis.alpha=0.01", "design.patients=40", "design.patients=1e308", "sites=7", "[", "{}"),
    *("outcomes.arat.effect.value=0.6", "design.patients=20,40", "arat", "power=0.5", "\udce9"),
    *("outcomes.arat.effect.value", "1of2", "analysis.alpha=null", "analysis.alpha=[", "a=\x00"),
)
STUDIES: Final = ("cars1", "cars1_null", "casta", "cars_pooled", "rat_dose_response", "no_study")
FILES: Final = ("study.yaml", "new.yaml", "n.svg", "n.csv", "other.txt", "run", "link", "no/no")
"""Names in the folder: no other path is given to anything."""
ALWAYS: Final = (
    *("replicates", "null_replicates", "published_replicates", "sensitivity_replicates"),
    *("strata", "cohort", "values", "out", "jobs", "low", "high", "report"),
)
"""Optional parameters that are given all the same: without them a command works long, or not."""
SMALL: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": ("1",),
    "sensitivity_replicates": ("0", "-1", "x"),
    "precision": ("0.5", "0.4", "0", "nan", "-1"),
    **dict.fromkeys(("replicates", "batch", "hypercube", "strata"), ("1", "2", "5", "0", "x")),
    "cohort": ("1", "20", "0", "x"),
}
"""Values of what would else be long work, which is no defect, by the end of the option's name."""
RIGHT: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("scenario", "scenarios", "source"), ("study.yaml",)),
    **dict.fromkeys(("programmes", "studies"), ("cars_pooled",)),
    "shards": ("run",),
    "name": ("another",),
    "prior": ("cars_heterogeneous",),
    "paths": ("outcomes.arat.effect.value",),
    "targets": ("power=0.5",),
    "changes": ("analysis.alpha=0.1", "design.patients=24"),
    "base": ("analysis.alpha=0.1",),
    "values": ("design.patients=20,24",),
    "deltas": ("0,-2",),
    "path": ("design.patients",),
    "analysis": (),
    "outcome": ("arat",),
    "site": ("site_01",),
    "quantity": ("power", "estimate"),
    "question": ("How many patients?",),
    "shard": ("1of2",),
    "variant": ("cars2",),
    "target": ("0.5",),
    **dict.fromkeys(("low", "replicate", "patient"), ("8",)),
    **dict.fromkeys(("high", "patients"), ("60",)),
    "width": ("6", "12"),
    **dict.fromkeys(("observed", "published"), ("0.6",)),
    **dict.fromkeys(("no_effect", "precision", "effects"), ("0.3",)),
    **dict.fromkeys(("replicates", "null_replicates", "published_replicates"), ("8",)),
    "sensitivity_replicates": ("0",),
    "strata": ("2",),
    "batch": ("4",),
    "cohort": ("64",),
    "hypercube": ("3",),
    "seed": ("2016", "7"),
    "jobs": ("1",),
    "run": ("run",),
    "null": ("run",),
    "what_if": ("what_if.json",),
    **dict.fromkeys(("out", "keep"), ("new",)),
    "report": ("new.html",),
}
"""Values that are right for nearly every command, by the option's name; the rest go by its kind."""
_LOOKS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("scenario", "source"), ("cars_sequential",)),
    "changes": (),
}
_IMPUTED: Final[Mapping[str, tuple[str, ...]]] = {"scenario": ("imputed.yaml",)}
OF_COMMAND: Final[Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    ("bounds",): _LOOKS,
    ("calibrate",): {"replicates": ("32",)},
    ("disagree",): {"changes": ()},
    ("explore",): {"out": ("new.html",)},
    ("missingness",): {"estimand": ("treatment_policy",)},
    ("plot", "boundaries"): _LOOKS,
    ("plot", "expected-size"): _LOOKS,
    ("plot", "graph"): {"scenario": ("cars1_graph",)},
    ("plot", "missingness"): {"estimand": ("treatment_policy",)},
    ("plot", "size"): {"replicates": ("100",)},
    ("plot", "stopping"): _LOOKS,
    ("plot", "times"): {"source": ("cars1_recovery",)},
    ("plot", "tipping-point"): _IMPUTED,
    ("report",): {"out": ("new.html",)},
    ("reproduce",): {"studies": ("cars1_natural",)},
    ("size",): {"replicates": ("100",)},
    ("tipping-point",): _IMPUTED,
    ("validate",): {"out": ("new.html",)},
}
"""What some commands need instead, or cannot take."""
SHARED: Final = (
    *("pandas", "scipy.stats", "pyarrow.parquet", "trialsim.public"),
    *("trialsim.reporting.figures.catalogue", "trialsim.reporting.pages.report"),
)
"""What most commands load, loaded once for all."""
LONG: Final = (("plot", "sensitivity"), ("sensitivity",), ("validate",))
"""Commands whose right answers take long: they change every number of a study, or check all."""
KEPT: Final = "kept"
"""The folder of a run that is whole, of which every command line has a copy of its own."""
NEVER: Final = ("scheduler", "version", "install_completion", "show_completion")
"""Options that speak to a network, that end the program at once, or that write to one's shell."""


class Command(NamedTuple):
    """One command as the program tells it: its words, its parameters, and what each takes."""

    words: tuple[str, ...]
    parameters: list[Any]
    kinds: dict[str, Any]


def main() -> None:
    """Run random command lines, and print what became of them."""
    lines, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).resolve()
    for name in SHARED:
        importlib.import_module(name)
    load_study("cars1_natural")
    prepare(folder)
    known = [command for command in commands() if command.words not in LONG]
    random.Random(seed).shuffle(known)
    counts: Counter[str] = Counter()
    unhandled: dict[str, str] = {}
    for number in range(lines):
        dice = random.Random(f"{seed} {number}")
        prepare(folder)
        words = command_line(known[number % len(known)], dice, folder)
        became, told = ended(words, folder)
        counts[became] += 1
        if became not in ("0", "1", "2"):
            unhandled[f"{number} {words}"[:500]] = f"{became} {told[-600:]}"
    sys.stdout.write(json.dumps({"counts": counts, "unhandled": unhandled}) + "\n")


def commands() -> list[Command]:
    """Return every command of the program, those of a group by two words."""
    return list(_commands(program(), ()))


def _commands(group: Any, above: tuple[str, ...]) -> Iterator[Command]:
    for name, one in sorted(group.commands.items()):
        if hasattr(one, "commands"):
            yield from _commands(one, (*above, name))
        else:
            hints = get_type_hints(one.callback, include_extras=True)
            kinds = {key: _bare(kind) for key, kind in hints.items()}
            yield Command((*above, name), list(one.params), kinds)


def _bare(kind: Any) -> Any:
    """Return a type without its annotation, and that of a list or of an optional value."""
    if get_origin(kind) is Annotated or (get_args(kind) and get_origin(kind) is not Literal):
        return _bare(get_args(kind)[0])
    return kind


def prepare(folder: Path) -> None:
    """Put into the folder what the paths lead to: a study, another's file, a link, a run."""
    study, other, link = folder / "study.yaml", folder / "other.txt", folder / "link"
    for left in folder.iterdir():
        if left.name == KEPT:
            continue
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
    small = "extends: cars1_natural\nname: own\ndesign: {patients: 20}\n"
    study.write_text(small, encoding="utf-8")
    imputed = f"{small}analysis: {{missing: multiple_imputation, imputations: 2}}\n"
    (folder / "imputed.yaml").write_text(imputed, encoding="utf-8")
    other.write_text("another's\n", encoding="utf-8")
    link.symlink_to(other)
    if not (folder / KEPT).is_dir():
        became, told = ended(["power", "study.yaml", "--replicates=12", f"--out={KEPT}"], folder)
        assert became == "0", told
    shutil.copytree(folder / KEPT, folder / "run")


def command_line(command: Command, dice: random.Random, folder: Path) -> list[str]:
    """Return the arguments of one command, all right but one, every path of which is in the folder.

    Raises
    ------
    AssertionError
        If a word could lead out of the folder, where the command is run.
    """
    known = [one for one in command.parameters if one.name not in NEVER]
    hostile = dice.choice(known) if known else None
    words = list(command.words)
    for one in known:
        wanted = one.required or one.param_type_name == "argument" or one.name in ALWAYS
        if one is not hostile and dice.random() > (1 if wanted else 0.1):
            continue
        kind = command.kinds.get(one.name, str)
        right = OF_COMMAND.get(command.words, {}).get(one.name, RIGHT.get(one.name))
        if command.words[0] == "plot" and one.name == "out":
            right = ("new.svg", "new.csv")
        if one is hostile:
            words += _given(one, kind, dice, folder)
        elif right is None or right:
            words += _given(one, kind, dice, folder, right or ())
    for word in words:
        assert is_confined(word, folder), word
    return words


def is_confined(word: str, folder: Path) -> bool:
    """Return whether a word leads nowhere but into a folder, in which it is a command's."""
    path = word.partition("=")[2] if word.startswith("--") else word
    if "/" not in path:
        return path != ".."
    return Path(path).is_absolute() and Path(path).resolve().is_relative_to(folder)


def _small(name: str) -> tuple[str, ...]:
    return next((values for end, values in SMALL.items() if name.endswith(end)), ())


def _given(
    one: Any, kind: Any, dice: random.Random, folder: Path, right: Sequence[str] | None = None
) -> Iterator[str]:
    """Yield the words of a parameter; an option's is one, so that `-1` stays its value."""
    several = right is None and (getattr(one, "multiple", False) or one.nargs == -1)
    for _ in range(dice.choice((1, 1, 2)) if several else 1):
        if getattr(one, "is_flag", False):
            yield dice.choice((*one.opts, *one.secondary_opts))
            continue
        if right is None:
            value = _value(one, kind, dice, folder)
        else:
            value = dice.choice(right or _choices(kind))
        named = one.param_type_name != "argument"
        yield f"{max(one.opts, key=len)}={value}" if named else value


def _choices(kind: Any) -> Sequence[str]:
    """Return the words of a choice, or a small number."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(choice.value) for choice in kind]
    return get_args(kind) if get_origin(kind) is Literal else ("8",)


def _value(one: Any, kind: Any, dice: random.Random, folder: Path) -> str:
    """Return a value for a parameter: mostly one of its kind, sometimes any text."""
    if _small(one.name):
        return dice.choice(_small(one.name))
    place = str(folder / dice.choice(FILES))
    if kind is Path:
        return place
    if kind in (int, float):
        return dice.choice(NUMBERS if kind is int else FLOATS)
    if isinstance(kind, type) and issubclass(kind, Enum) and dice.random() < 0.9:
        return str(dice.choice(list(kind)).value)
    if one.param_type_name == "argument" and dice.random() < 0.9:
        return dice.choice((*STUDIES, place))
    return dice.choice((*TEXTS, place))


def ended(words: list[str], folder: Path) -> tuple[str, str]:
    """Run one command in a process of its own; return its exit status and what it printed."""
    said = folder / "said"
    child = os.fork()
    if child == 0:
        _run_bounded(words, folder, said)
    until = time.monotonic() + WAIT
    while (left := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "waits for ever", said.read_text("utf-8", "replace")
        time.sleep(0.01)
    told = said.read_text("utf-8", "replace")
    status = os.waitstatus_to_exitcode(left[1])
    return ("traceback" if "Traceback (most recent" in told else str(status)), told


def _run_bounded(words: list[str], folder: Path, said: Path) -> None:
    """Run a command, and end this process with its exit status."""
    status = 99
    try:
        os.setsid()
        os.chdir(folder)
        os.environ["HOME"] = os.environ["TMPDIR"] = os.environ["MPLCONFIGDIR"] = str(folder)
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for stream, where in enumerate((nothing, file, file)):
            os.dup2(where, stream)
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        status = run(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()

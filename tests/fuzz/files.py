"""Thousands of wrong studies are read, described and simulated; each is right or is refused.

Run as a program it takes how many files, the seed, the folder for those that are written, and the
names of the studies that are made wrong, usually all; it prints one JSON object. Memory and time
are bounded, and nothing is written outside the folder.
"""

import json
import random
import re
import resource
import signal
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.mutations import mutated, mutated_text
from trialsim.errors import InputError, RunError
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import Draft, draft_over_bases, scenario_of, to_yaml
from trialsim.scenario.files.yaml_text import Place
from trialsim.scenario.programme import Study, is_programme, programme_of
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.programme import describe_study
from trialsim.simulated import simulate

MEMORY: Final = 4_000_000_000
"""Bytes of address space, of which the libraries take two thirds."""
SECONDS: Final = 20
"""Of the processor, for one file."""
PATIENTS: Final = 60
"""A study of more, or of a long recruitment, is read and described alone."""


_TELLING: Final = ("sources", "findings", "calibrated", "references")


_OF_A_LIBRARY: Final = re.compile(
    r"\b(valid|validation|dictionary|instance|object|[Ii]nput|discriminator|tuple|extract)\b"
)


class TooLongError(Exception):
    """A file was not done with in its time."""


def main() -> None:
    """Check wrong studies, and print what became of them."""
    files, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, _stop)
    warnings.simplefilter("error")
    known = builtin_studies()
    studies = {name: known[name] for name in sys.argv[4:] or known}
    whole = {name: draft_over_bases(path, ()).content for name, path in studies.items()}
    counts: Counter[str] = Counter()
    unhandled: dict[str, str] = {}
    for number in range(files):
        dice = random.Random(f"{seed} {number}")
        name = dice.choice(list(studies))
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            counts[_checked(name, studies, whole, dice, folder)] += 1
        except Exception:
            where = traceback.format_exc(limit=-3)
            unhandled.setdefault(where, f"{number} {name}")
            counts["unhandled"] += 1
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    found = {"counts": counts, "unhandled": {who: where for where, who in unhandled.items()}}
    sys.stdout.write(json.dumps(found) + "\n")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooLongError


def _checked(
    name: str,
    studies: dict[str, Path],
    whole: dict[str, Any],
    dice: random.Random,
    folder: Path,
) -> str:
    """Return what became of one wrong study."""
    try:
        study = _read(name, studies, whole, dice, folder)
    except InputError as error:
        for problem in error.problems:
            assert problem.rule, problem
            assert not _OF_A_LIBRARY.search(problem.rule), problem
        return "refused"
    describe_study(study)
    to_yaml(study)
    if isinstance(study, Scenario) and dice.random() < 0.5:
        return _simulated(study)
    return "read"


def _read(
    name: str,
    studies: dict[str, Path],
    whole: dict[str, Any],
    dice: random.Random,
    folder: Path,
) -> Study:
    if dice.random() < 0.08:
        file = folder / "study.yaml"
        file.write_text(mutated_text(studies[name].read_text("utf-8"), dice), "utf-8")
        return load_study(file)
    content = whole[name]
    if dice.random() < 0.5:  # what speaks of numbers is wrong with most of them
        content = {key: part for key, part in content.items() if key not in _TELLING}
    content = mutated(content, dice)
    if is_programme(content):
        return programme_of(content)
    return scenario_of(Draft(content, {"": Place("study.yaml", 1, 1)}))


def _simulated(study: Scenario) -> str:
    """Simulate one small trial of a study that is right."""
    try:
        small = study.replace({"design.patients": min(study.design.patients, PATIENTS)})
        simulate(small, 2016)
    except (InputError, RunError):
        return "ended in words"
    return "simulated"


if __name__ == "__main__":
    main()

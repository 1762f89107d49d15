"""The studies that come with the package: where they are, and what each is called."""

import re
from pathlib import Path
from typing import Final, Literal, TypeAlias

from trialsim.scenario.files.yaml_text import parsed_value

TrialName: TypeAlias = Literal[
    "alvarez2011",
    "alvarez2011_mcp_mod",
    "cars1",
    "cars1_chairs",
    "cars1_estimands",
    "cars1_graph",
    "cars1_hierarchy",
    "cars1_mechanism",
    "cars1_natural",
    "cars1_null",
    "cars1_recovery",
    "cars1_registry",
    "cars2",
    "cars_sequential",
    "casta",
    "casta_severe",
    "dose_finding",
    "gharagozli2017",
    "guekht2011",
    "rat_cyclopamine",
    "rat_dose_response",
    "rat_mtbi",
    "rat_pi3k_blockade",
    "stroke_nihss",
    "vad_cognition",
    "xiao1999",
]
"""The trials that come with the package: who types their names, gets a `Scenario`."""
ProgrammeName: TypeAlias = Literal[
    "bornstein2018",
    "cars_common",
    "cars_nihss_day_14",
    "cars_nihss_day_21",
    "cars_pooled",
    "cars_varying",
    "cochrane_vad",
]
"""The programmes of several trials that come with the package."""
_TITLE: Final = re.compile(r"^title:.*(?:\n(?:[ \t].*)?)*", re.MULTILINE)
"""The title of a study, with the lines on which it continues."""


def builtin_scenarios() -> dict[str, Path]:
    """Return the scenarios that come with the package: name and file, in alphabetical order."""
    return {path.stem: path for path in sorted(builtin_folder().glob("*.yaml"))}


def builtin_programmes() -> dict[str, Path]:
    """Return the programmes of several trials that come with the package, as scenarios are."""
    return {path.stem: path for path in sorted((builtin_folder() / "programmes").glob("*.yaml"))}


def builtin_folder() -> Path:
    """Return the folder of the scenarios that come with the package, and of what goes with them."""
    package = Path(__file__).resolve().parents[2]
    inside, beside = package / "scenarios", package.parent / "scenarios"
    return inside if inside.is_dir() else beside  # a source tree keeps them beside the package


def builtin_studies() -> dict[str, Path]:
    """Return the studies that come with the package: name and file, in alphabetical order."""
    return dict(sorted({**builtin_scenarios(), **builtin_programmes()}.items()))


def title_of(file: Path) -> str:
    """Return the title of a study that comes with the package, reading nothing else of it."""
    found = _TITLE.search(file.read_text(encoding="utf-8"))
    assert found, f"{file.name} has no title of its own"
    return str(parsed_value(found[0])["title"])

"""The worlds that options describe: the base, each change of it, and the variants beside it."""

from typing import Any

from trialsim.cli.options import noted, parsed, replaced, under_analysis
from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.variants import How, Variant, alternatives


def asked_worlds(
    name: str,
    base: list[str] | None,
    values: list[str] | None,
    how: How,
    variants: list[str] | None,
    points: int = 1,
    seed: int = 0,
    analysis: str | None = None,
) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    """Return the base and its alternatives, and the paths that were given values.

    With the name of an analysis, all of them have that secondary analysis as their primary one.
    What is wrong is told at once: in the base, in the values, and in the worlds that those give
    which are right.
    """
    from trialsim.scenario.files.studies import load_study
    from trialsim.scenario.files.yaml_file import parsed_value

    problems: list[Problem] = []
    plain = load_study(name)
    study = replaced(plain, parsed(base, "--base", parsed_value, problems), problems)
    others: list[Any] = list(variants or ())
    if analysis is not None:
        with noted(problems):
            study = under_analysis(study, analysis)
            others = [under_analysis(load_study(one), analysis) for one in others]
    value_of = _range if how == "latin_hypercube" else _list
    changes = parsed(values, "--set", value_of, problems)
    worlds: tuple[Variant, ...] = ()
    if changes or others or not problems:
        with noted(problems):
            worlds = alternatives(study, changes, how, others, points, seed)
    if problems:
        raise InputError(problems)
    return worlds, tuple(changes)


def _list(text: str) -> Any:
    """Return values separated by commas, as a list of them stands in a scenario file."""
    from trialsim.scenario.files.yaml_file import parsed_value

    return parsed_value(f"[{text}]")


def _range(text: str) -> list[Any]:
    """Return the two ends of LOW:HIGH."""
    from trialsim.scenario.files.yaml_file import parsed_value

    return [parsed_value(end) for end in text.split(":")]

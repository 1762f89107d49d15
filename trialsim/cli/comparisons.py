"""The commands that ask of designs: what-if, size, assurance, type-one-error, sensitivity."""

from math import isnan
from typing import Annotated

import typer

from trialsim.cli.asking import (
    Asked,
    asking,
    assured,
    compared,
    sized,
    varied,
    without_effect,
)
from trialsim.cli.console import print_json, say
from trialsim.cli.options import AsJson

commands = typer.Typer()


def what_if(ask: Asked, as_json: AsJson = False) -> None:
    """Compare a study with others, on the same random numbers.

    Each value alone, a grid or a Latin hypercube, and named variants. The differences of power,
    estimate, duration, screened and infusions are paired with the base, replicate by replicate.
    With --out, the table is also written to the directory.
    """
    from trialsim.reporting.text.comparison import what_if_text

    study, result = ask()
    if as_json:
        print_json(result.to_dict())
    else:
        say(what_if_text(study.title, result))


def size(ask: Asked, as_json: AsJson = False) -> None:
    """Find the patients, or another number, for a power.

    The answer is an interval; the recommended value is confirmed on trials of another seed.
    """
    from trialsim.reporting.text.comparison import size_text

    study, result = ask()
    if as_json:
        print_json(result.to_dict())
    else:
        say(size_text(study.title, result))


def assurance(
    ask: Asked,
    observed: Annotated[
        float | None,
        typer.Option(help="Give the predictive probability of an estimate this small."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate assurance: power averaged over a prior of the effect.

    Priors: cars1, cars_pooled, cars_heterogeneous, or a file.
    """
    from trialsim.reporting.text.comparison import assurance_text

    if observed is not None and isnan(observed):
        raise typer.BadParameter("must be a number", param_hint="--observed")
    study, result = ask()
    if not as_json:
        say(assurance_text(study.title, result, observed))
        return
    content = result.to_dict()
    if observed is not None:
        place = result.share_at_most(observed)
        content["observed"] = {
            "estimate": observed,
            "share_at_most": float(place.estimate),
            "mcse": float(place.mcse),
            "ci": [float(place.low), float(place.high)],
        }
    print_json(content)


def type_one_error(ask: Asked, as_json: AsJson = False) -> None:
    """Estimate how often a design rejects when no arm has any effect.

    No study drug is given, and all arms have one course and the same risks. A two-sided test counts
    rejections in both directions.
    """
    from trialsim.reporting.text.robustness import type_one_error_text

    study, result = ask()
    if as_json:
        print_json(result.to_dict())
    else:
        say(type_one_error_text(study.title, result))


def sensitivity(ask: Asked, as_json: AsJson = False) -> None:
    """Vary each number that is not published, one at a time, by a fifth to either side.

    Those of the primary endpoint's course and effect, of the operations and the treatment; the
    differences from the study as it stands are paired, replicate by replicate.
    """
    from trialsim.reporting.text.robustness import sensitivity_text

    study, result = ask()
    if as_json:
        print_json(result.to_dict())
    else:
        say(sensitivity_text(study.title, result))


commands.command("what-if")(asking(compared, what_if))
commands.command("size")(asking(sized, size))
commands.command("assurance", short_help="Estimate assurance: power averaged over a prior.")(
    asking(assured, assurance)
)
commands.command("assure", hidden=True)(asking(assured, assurance))  # its former name
commands.command(
    "type-one-error", short_help="Estimate how often a design without effects rejects."
)(asking(without_effect, type_one_error))
commands.command(
    "sensitivity", short_help="Vary each number that is not published, one at a time."
)(asking(varied, sensitivity))

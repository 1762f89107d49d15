"""The commands that draw designs beside one another: plot curve, what-if, tornado, heat-map ...

Each has the options of the question that it draws, and those of the figure in the catalogue.
"""

from functools import partial
from typing import Annotated

import typer

from trialsim.cli.asking import Asked, Question, asking, assured, compared, sized, varied
from trialsim.cli.options import AsJson
from trialsim.cli.outputs import INCHES, Out, Overwrite, Width, deliver, destination

commands = typer.Typer()

Quantity = Annotated[
    str,
    typer.Option(
        help="What is compared: power, estimate, duration_days, screened or infusions_given."
    ),
]
_GRIDS = ("grid", "hypercube")
_KEPT = "out"
"""A figure's --out is its file; what is run for it is kept nowhere."""


def _plain(name: str, question: Question, kind: str, about: str, *without: str) -> None:
    """Add the command that draws a kind of figure which has no options of its own."""

    def drawn(
        ask: Asked,
        out: Out = None,
        overwrite: Overwrite = False,
        width: Width = INCHES,
        as_json: AsJson = False,
    ) -> None:
        to = destination(out, as_json, overwrite, width)
        deliver(ask()[1], kind, to)

    drawn.__doc__ = about
    commands.command(name)(asking(question, drawn, (_KEPT, *without)))


def _of_quantity(name: str, question: Question, kind: str, about: str, *without: str) -> None:
    """Add the command that draws how a quantity of several designs differs."""

    def drawn(
        ask: Asked,
        quantity: Quantity = "power",
        out: Out = None,
        overwrite: Overwrite = False,
        width: Width = INCHES,
        as_json: AsJson = False,
    ) -> None:
        from trialsim.reporting.figures.of_designs.forest import check_quantity

        to = destination(out, as_json, overwrite, width)
        check_quantity(quantity)
        deliver(ask()[1], kind, to, quantity=quantity)

    drawn.__doc__ = about
    commands.command(name)(asking(question, drawn, (_KEPT, *without)))


_plain(
    "curve",
    partial(compared, vary=1),
    "curve",
    "Draw power along the values of one number, beside the closed form.",
    *_GRIDS,
    "variant",
)
_of_quantity(
    "what-if", compared, "what-if", "Draw the paired difference of each alternative from the base."
)
_of_quantity(
    "tornado",
    compared,
    "tornado",
    "Draw which assumption, varied alone, matters most.",
    *_GRIDS,
    "variant",
)
_of_quantity(
    "sensitivity",
    varied,
    "tornado",
    "Draw which number that is not published matters most.",
)
_of_quantity(
    "heat-map",
    partial(compared, grid=True, vary=2),
    "heat-map",
    "Draw every combination of the values of two paths.",
    *_GRIDS,
    "variant",
)
_plain("size", sized, "curve", "Draw the search for a power, and the value that it found.")
_plain(
    "assurance",
    assured,
    "assurance",
    "Draw a prior of the effect, and how probable success is under each effect.",
)

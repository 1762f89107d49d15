"""Pieces of the page: what a run found, drawn and in tables, each number with its error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trialsim.questions.what_if.what_if import Row, WhatIf
from trialsim.replicates.result import PowerResult
from trialsim.reporting.figures.of_designs.estimate import estimate_figure
from trialsim.reporting.figures.of_designs.forest import differences_figure
from trialsim.reporting.figures.of_designs.power_curve import curve_figure
from trialsim.reporting.pages.page_figures import drawn
from trialsim.reporting.pages.report_figures import TRIALS_SHOWN, average_figures
from trialsim.reporting.tables.operating_characteristics import performance, resources
from trialsim.reporting.tables.page import Cell, Figure, Table, TableRow, error, number, rendered
from trialsim.reporting.text.power import HARMFUL
from trialsim.scenario.programme import Programme, Study, trials_of
from trialsim.scenario.words.values import counted

_COLUMNS: Final = (
    *("Design", "Power", "MCSE", "95% interval", "Difference", "MCSE", "95% interval"),
    *("Patients", "Days", "MCSE"),
)
_HEADLINE: Final = {"screened": "Candidates screened", "duration_days": "Days to the end"}
NO_TRIAL: Final = "These are of single trials; a programme has several, which are pooled."


def power_piece(study: Study, result: PowerResult) -> dict[str, str]:
    """Return what a run says of a design, and what is drawn of its first trials."""
    known = result.columns["estimate"]
    finite = bool((known == known).any())
    notes = [HARMFUL] if result.is_harmful else []
    if result.failed:
        notes.append(f"{counted(result.failed, 'trials')} could not be finished and are left out.")
    return {
        "power": _piece(
            _about(result),
            tiles=list(_tiles(study, result.to_dict())),
            notes=notes,
            figures=[drawn("estimates", estimate_figure(result))] if finite else [],
            tables=[performance(result, None), resources(result)],
            conventions=result.conventions,
        ),
        "conduct": _conduct(study, result),
    }


def _conduct(study: Study, result: PowerResult) -> str:
    if isinstance(study, Programme):
        return _piece(NO_TRIAL)
    first = range(min(TRIALS_SHOWN, result.replicates))
    figures = average_figures(study, result.seed, first)
    return _piece(f"The first {counted(len(first), 'trials')} of the run.", figures=figures)


def curve_piece(study: Study, result: WhatIf) -> str:
    """Return the power along one number of a design."""
    figures = [drawn("curve", curve_figure(result))]
    return _piece(_about(result), figures=figures, tables=[_designs("curve-values", result)])


def compared_piece(result: WhatIf) -> str:
    """Return designs side by side."""
    told = f"{_about(result)} Differences are paired with the first design, trial by trial."
    figures = [drawn("differences", differences_figure(result))] if len(result.rows) > 1 else []
    return _piece(told, figures=figures, tables=[_designs("designs", result)])


def _piece(
    about: str,
    tiles: Sequence[Mapping[str, str]] = (),
    notes: Sequence[str] = (),
    figures: Sequence[Figure] = (),
    tables: Sequence[Table] = (),
    conventions: Mapping[str, str] | None = None,
) -> str:
    content = {
        "about": about,
        "tiles": tiles,
        "notes": notes,
        "figures": figures,
        "tables": tables,
        "conventions": conventions or {},
    }
    return rendered("planned.html", content)


def _about(result: PowerResult | WhatIf) -> str:
    return (
        f"{result.replicates:,} simulated trials, seed {result.seed}, study {result.scenario} "
        f"({result.digest})."
    )


def _tiles(study: Study, told: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the headline numbers."""
    low, high = told["ci"]
    yield {
        "label": "Power",
        "text": f"{told['power']:.4f}",
        "more": f"MCSE {error(told['mcse'], 4).text}, 95% {low:.4f} to {high:.4f}",
    }
    found, digits = told["estimate"], 4
    yield {
        "label": f"Estimate, {told['quantity']}",
        "text": number(found["mean"], digits).text,
        "more": f"MCSE {error(found['mcse'], digits).text}",
    }
    if "monitoring" in told:
        randomised = told["monitoring"]["spread"]["randomised"]
        yield _mean("Patients, with looks", randomised)
    for name, label in _HEADLINE.items():
        yield _mean(label, told[name])


def _mean(label: str, told: Mapping[str, float]) -> dict[str, str]:
    more = f"mean; MCSE {error(told['mcse'], 1).text}, SD {number(told['sd'], 1).text}"
    return {"label": label, "text": number(told["mean"], 1).text, "more": more}


def _designs(name: str, result: WhatIf) -> Table:
    """Return a row for each design; the first has no difference from itself."""
    base, *others = result.rows
    caption = f"Power of each design, and its difference from {base.label}"
    first = TableRow([*_of_power(base), *_NO_DIFFERENCE, *_of_size(base)])
    rows = (TableRow([*_of_power(row), *_apart(row), *_of_size(row)]) for row in others)
    return Table(name, caption, _COLUMNS, [first, *rows])


_NO_DIFFERENCE: Final = (Cell(""),) * 3


def _of_power(row: Row) -> list[Cell]:
    power = row.power
    ends = f"{float(power.low):.4f} to {float(power.high):.4f}"
    value, mcse = float(power.estimate), float(power.mcse)
    return [Cell(row.label), number(value, 4), error(mcse, 4), Cell(ends)]


def _apart(row: Row) -> list[Cell]:
    apart = row.difference
    ends = f"{float(apart.low):+.4f} to {float(apart.high):+.4f}"
    value, mcse = float(apart.estimate), float(apart.mcse)
    return [number(value, 4, sign="+"), error(mcse, 4), Cell(ends)]


def _of_size(row: Row) -> list[Cell]:
    """Return the patients, where looks end trials early their mean, and the duration."""
    randomised, days = row.means.get("randomised"), row.means["duration_days"]
    planned = sum(trial.design.patients for trial in trials_of(row.scenario).values())
    patients = number(planned, 0) if randomised is None else number(float(randomised.estimate), 1)
    return [patients, number(float(days.estimate), 1), error(float(days.mcse), 1)]

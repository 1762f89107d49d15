"""The true values of estimands and how near analyses come to them, as text."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Final

import numpy as np

from trialsim.questions.estimands.missingness import Missingness
from trialsim.questions.estimands.result import INDIVIDUAL, Beside, Estimands
from trialsim.reporting.text.words import error_text, heading
from trialsim.scenario.words.estimands import OF_ALL_PAIRS, meant_by_analyses
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.stats.monte_carlo import Mean, Proportion

_WIDTH: Final = 100
NO_VALUE: Final = (
    "A dash is no value: a mean where some are below every score, an odds ratio given covariates, "
    "or an empty stratum."
)
ALIGNED: Final = (
    "* the estimand that the analysis is for; ! that it names, but cannot be for by what it does "
    "about events; + one that it could be for. Bias and RMSE of a ratio are of its logarithm. All "
    "are over the same trials."
)

_MARKS: Final = {(True, True): "*", (True, False): "!", (False, True): "+", (False, False): " "}
"""By whether an analysis names an estimand, and whether it can be for it."""


def estimands_text(title: str, result: Estimands) -> str:
    """Return the estimands, their true values, and the analyses beside them."""
    return "\n".join(
        [
            heading(f"{title}: estimands", _about(result)),
            *_described(result),
            "",
            *_truths(result),
            "",
            *_events(result),
            "",
            *([*_matrix(result.matrix), "", *wrap(ALIGNED, _WIDTH)] if result.matrix else ()),
            *_doubts(result),
            *_left_out(result),
            "",
            f"{result.seconds:.1f} s",
        ]
    )


def missingness_text(title: str, result: Missingness) -> str:
    """Return the bias of each analysis in each variant."""
    told = "that each analysis is for" if result.estimand is None else in_words(result.estimand)
    lines = [
        heading(f"{title}: bias and missingness", _about(result)),
        f"Bias beside the estimand {told}. Affected: share of those alive at the visit whose score",
        "there is missing or follows an event.",
    ]
    for place, variant in enumerate(result.variants):
        share = result.affected[place]
        lines += ["", f"{variant.name}: affected {_number(share)} (MCSE {error_text(share.mcse)})"]
        lines += _matrix(result.beside(place))
    return "\n".join([*lines, "", *wrap(ALIGNED, _WIDTH), "", f"{result.seconds:.1f} s"])


def _about(result: Estimands | Missingness) -> str:
    return (
        f"{result.replicates:,} simulated trials; seed {result.seed}, scenario {result.scenario} "
        f"({result.digest})"
    )


def _described(result: Estimands) -> Iterator[str]:
    """Yield the five attributes of each analysis, and of the estimands that none is for."""
    for one in meant_by_analyses(result.study, result.named):
        yield from _wrapped(f"{spoken(one.estimand)}: that of {one.whose}")
        for what, words in one.attributes.items():
            yield from _wrapped(f"  {in_words(what)}: {words}")


def _wrapped(line: str) -> list[str]:
    return wrap(line, _WIDTH, subsequent_indent="    ")


def _truths(result: Estimands) -> Iterator[str]:
    """Yield the true value of each estimand by each measure, and what is beyond any trial."""
    widths = [max(20, len(one.label)) for one in result.measures]
    labels = zip(result.measures, widths, strict=True)
    yield f"{'True value (MCSE)':22}" + "".join(f" {one.label:>{wide}}" for one, wide in labels)
    for name in result.named:
        values = [one.value for one in result.truths if one.estimand == name]
        cells = (f"{_number(one)} ({error_text(one.mcse)})" for one in values)
        yield f"{spoken(name):22}" + "".join(
            f" {'-' if np.isnan(one.estimate) else cell:>{wide}}"
            for one, cell, wide in zip(values, cells, widths, strict=True)
        )
    yield from wrap(f"{OF_ALL_PAIRS} {NO_VALUE}", _WIDTH)
    yield ""
    yield f"{'':22} {'in the population':>20} {'without a value':>20} {'better than oneself':>20}"
    for name in result.named:
        shares = result.population[name], result.valueless[name], result.individual[name]
        cells = (f"{_number(one)} ({error_text(one.mcse)})" for one in shares)
        yield f"{spoken(name):22}" + "".join(f" {cell:>20}" for cell in cells)
    yield from wrap(INDIVIDUAL, _WIDTH)


def _events(result: Estimands) -> Iterator[str]:
    plan = result.study.analysis
    arms = f"{in_words(plan.treated)[:16]:>16} {'MCSE':>8} {in_words(plan.control)[:16]:>16}"
    yield f"{'Would have by the visit':36} {arms} {'MCSE':>8}"
    for one in result.events:
        cells = f"{one.treated.estimate:16.4f} {error_text(one.treated.mcse):>8}"
        cells += f" {one.control.estimate:16.4f} {error_text(one.control.mcse):>8}"
        yield f"{spoken(one.event):36} {cells}"


def _matrix(rows: Iterable[Beside]) -> Iterator[str]:
    heads = ("truth", "bias", "MCSE", "RMSE", "coverage", "MCSE", "power", "MCSE")
    yield f"{'Analysis':20} {'estimand':20}  " + " ".join(f"{head:>8}" for head in heads)
    before = ""
    for one in rows:
        mark = _MARKS[one.is_named, one.is_aligned]
        name = "" if one.analysis == before else spoken(one.analysis)
        before = one.analysis
        cells = [
            _number(one.truth),
            *(_number(one.bias), _error(one.bias)),
            _number(one.rmse),
            *(_number(one.coverage), _error(one.coverage)),
            *(_number(one.power), _error(one.power)),
        ]
        start = f"{name[:20]:20} {in_words(one.estimand)[:20]:20}{mark}"
        yield f"{start} " + " ".join(f"{cell:>8}" for cell in cells)


def _doubts(result: Estimands) -> Iterator[str]:
    """Yield why analyses cannot be for the estimands that they name."""
    for one in result.analysed:
        for why in one.because:
            yield from _wrapped(f"WARNING: {in_words(one.name)} {why}.")


def _left_out(result: Estimands) -> Iterator[str]:
    if result.left_out:
        names = ", ".join(f"{in_words(one)} ({why})" for one, why in result.left_out.items())
        told = f"Left out, as what they estimate has no true value here: {names}."
        yield from wrap(told, _WIDTH)


def _number(found: Mean | Proportion) -> str:
    return "-" if np.isnan(found.estimate) else f"{found.estimate:.4f}"


def _error(found: Mean | Proportion) -> str:
    return "-" if np.isnan(found.estimate) else error_text(found.mcse)

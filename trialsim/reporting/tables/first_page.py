"""The first page of a report: what was asked, the answer, what it depends on, what was left out."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from trialsim.questions.sensitivity import is_seen
from trialsim.replicates.result import PowerResult
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.tables.operating_characteristics import summary
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.paths import part_at
from trialsim.scenario.words.labels import in_words, label_of
from trialsim.scenario.words.multiplicity import success_in_words
from trialsim.scenario.words.values import value_in_words

MOST: Final = 3
"""Assumptions named on the first page."""
_TOLD_BY_POWER: Final = 0.99
"""A power above which changes of the estimate say more than those of the power."""


class FirstPage(NamedTuple):
    """What a reader wants to know before anything else."""

    question: str
    answer: tuple[str, ...]
    """Sentences, each number with its Monte Carlo error."""
    summary: Table
    assumptions: Table | None
    """What is seen to move the answer most; None where nothing is."""
    not_examined: tuple[str, ...]


def first_page(evidence: Evidence, question: str = "") -> FirstPage:
    """Return the first page of the report of a run; without a question, that of its design."""
    scenario = single_trial(evidence.run.manifest.scenario)
    null, what_if = evidence.without_effect, evidence.what_if
    without = None if null is None else null.result
    return FirstPage(
        question or _question(scenario, evidence.result),
        tuple(_answer(scenario, evidence.result, without, evidence.nuisance)),
        summary(evidence.result, without),
        None if what_if is None else assumptions_that_matter(what_if, scenario),
        tuple(_not_examined(evidence, scenario)),
    )


def _question(scenario: Scenario, result: PowerResult) -> str:
    plan, arms = scenario.analysis, scenario.design.arms
    outcome = scenario.outcomes[plan.endpoint].label
    truth = float(result.truth.estimate)
    effect = f", if the {result.quantity.name} is {truth:.3f}" if math.isfinite(truth) else ""
    trial = f"a trial of {scenario.design.patients:,} patients"
    if plan.success != PRIMARY:
        return f"How often does {trial} succeed{effect}? {success_in_words(plan)}"
    return (
        f"How often does {trial} show that "
        f"{arms[plan.treated].label} does better than {arms[plan.control].label} on the {outcome} "
        f"at {in_words(plan.visit)}{effect}?"
    )


def _answer(
    scenario: Scenario,
    result: PowerResult,
    without: PowerResult | None,
    nuisance: Mapping[str, Any] | None,
) -> Iterator[str]:
    """Yield the answer sentence by sentence."""
    power = result.favoured
    yield (
        f"{_share(power.estimate)} of {result.replicates - result.failed:,} simulated trials do "
        f"(95% interval {_share(power.low)} to {_share(power.high)})."
    )
    if without is not None:
        rejects = without.rejections
        yield (
            f"Without any effect {_share(rejects.estimate)} reject ({_share(rejects.low)} to "
            f"{_share(rejects.high)}), where the level is {100 * scenario.analysis.alpha:g}%."
        )
    if nuisance is not None:
        others = nuisance["rows"][1:]
        at = max(others, key=lambda row: row["type_one_error"])
        yield (
            f"Under {len(others)} other sets of scores, drop-out, sites and recruitment, one at a "
            f"time, up to {_share(at['type_one_error'])} reject (95% bound "
            f"for all of them {_share(nuisance['simultaneous_bound'])}): {at['where']}."
        )
    if result.estimand.is_target and math.isfinite(float(result.bias.estimate)):
        off, cover = result.bias, result.coverage
        yield (
            f"The estimate is off by {number(float(off.estimate), 4, sign='+').text} on average "
            f"(Monte Carlo SE {error(float(off.mcse), 5).text}), and its "
            f"{100 * result.confidence:g}% interval holds the true value in "
            f"{_share(cover.estimate)} of trials ({_share(cover.low)} to {_share(cover.high)})."
        )


def _share(value: Any) -> str:
    """Return a proportion in per cent, to a decimal.

    >>> _share(0.0532), _share(1.0), _share(0.99962)
    ('5.3%', '100%', '99.96%')
    """
    percent = 100 * float(value)
    near_an_end = 0 < min(percent, 100 - percent) < 0.1
    text = f"{percent:.2f}" if near_an_end else f"{percent:.1f}"
    return f"{text.removesuffix('.0') if percent in (0, 100) else text}%"


def assumptions_that_matter(what_if: Mapping[str, Any], scenario: Scenario) -> Table | None:
    """Return the values whose change moves the power most, or the estimate where it is near 1.

    `what_if` is that of the JSON. Of the changes of one value the larger is told, and of what is
    not seen beyond two Monte Carlo errors nothing. None where nothing is seen at all.
    """
    by_power = what_if["rows"][0]["power"] <= _TOLD_BY_POWER
    measure = "difference" if by_power else "estimate_difference"
    found: dict[str, int] = {}
    for place, row in enumerate(what_if["rows"]):
        if len(row["changes"]) != 1 or not is_seen(row, measure):
            continue
        (path,) = row["changes"]
        if path not in found or _size(row, measure) > _size(what_if["rows"][found[path]], measure):
            found[path] = place
    most = sorted(found.items(), key=lambda one: -_size(what_if["rows"][one[1]], measure))[:MOST]
    content = scenario.model_dump(mode="json")
    rows = [
        TableRow(
            [
                Cell(label_of(path, scenario)),
                Cell(_value(path, part_at(content, path))),
                Cell(_value(path, what_if["rows"][place]["changes"][path])),
                *_change(what_if["rows"][place], measure, f"what_if.rows.{place}.{measure}"),
            ]
        )
        for path, place in most
    ]
    what = "power" if by_power else "estimate"
    caption = f"What the {what} depends on most: one value changed, on the same trials"
    columns = ("Assumption", "Value", "Changed to", f"Change of the {what}", "Monte Carlo SE")
    return Table("matters", caption, columns, rows) if rows else None


def _value(path: str, value: Any) -> str:
    return value_in_words(path.rsplit(".", 1)[-1], value)


def _change(row: Mapping[str, Any], measure: str, name: str) -> tuple[Cell, Cell]:
    mcse = row[f"{measure}_mcse"]
    return number(row[measure], 4, name, "+"), error(mcse, 4, f"{name}_mcse")


def _size(row: Mapping[str, Any], measure: str) -> float:
    return abs(float(row[measure] or 0.0))


def _not_examined(evidence: Evidence, scenario: Scenario) -> Iterator[str]:
    """Yield what a reader might think was looked at, and was not."""
    if evidence.without_effect is None:
        yield "The type I error."
    elif evidence.nuisance is None:
        yield "The type I error under other rates of drop-out, scores of controls, or sites."
    if evidence.what_if is None:
        yield "Other values of what is assumed."
    elif evidence.own_what_if:
        yield (
            "Two assumptions changed together; other designs, rules of eligibility, populations "
            "and outcomes beside the primary one."
        )
    if not scenario.estimands:
        yield "Estimands other than that of the analysis: the study names none."
    if scenario.monitoring is None:
        yield "Interim looks: the study plans none."
    if evidence.reproduction is None:
        yield "What was published, beside what is simulated."
    yield "Whether the assumptions hold: a simulation shows what follows from them."

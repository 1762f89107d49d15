"""The result of one trial as text."""

from collections.abc import Iterator, Sequence
from math import isinf, isnan

from trialsim.analysis.analyse import Analysis, Estimate
from trialsim.reporting.text.words import conventions_text, p_text
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words


def analysis_text(result: Analysis, study: Scenario | None = None) -> str:
    """Return the primary and secondary results, the scores by visit, and the conventions.

    Outcomes stand by the labels of the study, if it is given, and by their names otherwise.
    """
    primary, visits = result.primary, {row.visit for row in result.by_visit}
    lines = [
        _estimate_text(primary),
        *_levels(primary),
        *_groups(primary),
        *_target_dose(primary),
        *(
            line
            for name, one in result.secondary.items()
            for line in (
                f"{in_words(name)}: {_estimate_text(one)}",
                *([] if name in visits else [*_levels(one), *_groups(one)]),
            )
        ),
        "",
    ]
    labels = [
        (_label(row.outcome, study), in_words(row.visit), in_words(row.arm))
        for row in result.by_visit
    ]
    heads = ("outcome", "visit", "arm")
    widths = [max(map(len, column)) for column in zip(heads, *labels, strict=True)]
    lines.append(f"{_columns(heads, widths)} {'n':>5} {'mean':>7} {'SD':>7}")
    lines += [
        f"{_columns(names, widths)} {row.n:5} {row.mean:7.2f} {row.sd:7.2f}"
        for names, row in zip(labels, result.by_visit, strict=True)
    ]
    return "\n".join([*lines, "", *conventions_text(result.conventions)])


def _label(outcome: str, study: Scenario | None) -> str:
    return in_words(outcome) if study is None else study.outcomes[outcome].label


def _columns(words: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(f"{word:{width}}" for word, width in zip(words, widths, strict=True))


def _levels(found: Estimate) -> Iterator[str]:
    """Yield the pairs that each level of a hierarchy decides, with their shares of all pairs."""
    pairs = sum(found.levels[0][1:]) if found.levels else 0
    for one in found.levels:
        shares = (
            f"{name} {count:,} ({100 * count / pairs if pairs else 0:.1f}%)"
            for name, count in zip(("won", "lost", "left"), one[1:], strict=True)
        )
        yield f"  {in_words(one.level)}: {', '.join(shares)}"


def _groups(found: Estimate) -> Iterator[str]:
    """Yield the effect in each group that an interaction compares."""
    for one in found.groups:
        ends = f"({one.ci[0]:.4f} to {one.ci[1]:.4f})"
        sizes = f"analysed {one.treated} v {one.control}"
        yield f"  {one.group}: {one.quantity} {one.estimate:.4f} {ends}, {sizes}"


def _target_dose(found: Estimate) -> Iterator[str]:
    """Yield the shapes that a dose finding shows, and the dose with the target effect."""
    if found.target_dose is None:
        return
    significant, curves, dose, (low, high) = found.target_dose
    yield f"  shapes shown: {', '.join(significant) or 'none'}"
    if curves:
        names = ", ".join(map(in_words, curves))
        told = "none reaches the target" if isnan(dose) else f"target dose {dose:.4g}"
        interval = "" if isnan(low) else f" ({low:.4g} to {_end(high)})"
        yield f"  curve {names}: {told}{interval}"


def _end(dose: float) -> str:
    return "above all doses" if isinf(dose) else f"{dose:.4g}"


def _estimate_text(found: Estimate) -> str:
    """Return one result: what was estimated, its interval, its test."""
    statistic = "" if isnan(found.statistic) else f"statistic {found.statistic:.4f}, "
    adjusted = found.adjusted_p_value
    after = "" if adjusted == found.p_value else f" (adjusted {p_text(adjusted)})"
    return (
        f"{found.quantity} {found.estimate:.4f} ({found.ci[0]:.4f} to {found.ci[1]:.4f}), "
        f"{statistic}{p_text(found.p_value)}{after}, analysed {found.treated} v {found.control}"
    )

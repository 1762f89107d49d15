"""The type I error of a design, its sensitivity to assumptions and its tipping points, as text."""

from collections.abc import Iterator
from textwrap import fill, wrap

import numpy as np

from trialsim.questions.family_wise_error import FamilyWiseErrors
from trialsim.questions.nuisance import Nuisance
from trialsim.questions.sensitivity import what_is_seen
from trialsim.questions.tipping_point import TippingPoint
from trialsim.questions.type_one_error import TypeOneError
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.text.comparison import what_if_text
from trialsim.reporting.text.words import conventions_text, ends_text, error_text, heading
from trialsim.scenario.plan.imputation import SHIFTS
from trialsim.scenario.plan.methods.base import listed
from trialsim.scenario.words.labels import in_words
from trialsim.stats.monte_carlo import Proportion


def type_one_error_text(title: str, found: TypeOneError) -> str:
    """Return the type I error of a study, by direction, and what the run shows of it."""
    result = found.result
    failed = f", {result.failed} failed" if result.failed else ""
    shares = {
        "type I error": found.error,
        "in favour of the treated": result.favoured,
        "in favour of the control": result.wrong_direction,
    }
    at_margin = result.claim != "superiority"
    if at_margin:
        shares = {"type I error": found.error}
    changes = ", ".join(f"{path}={value}" for path, value in found.changes.items())
    success = result.conventions.get("success", "")
    return "\n".join(
        [
            heading(
                f"{title}: {found.null}",
                f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, "
                f"{result.engine} engine, scenario {result.scenario} ({result.digest})",
            ),
            f"{'':28} {'prop.':>8} {'MCSE':>9}",
            *(_row(name, one) for name, one in shares.items()),
            "",
            f"The type I error is {found.verdict}.",
            *wrap(success and f"Of: {success}", 100),
            f"Values at the null: {changes}" if at_margin else f"Values without effect: {changes}",
            "",
            f"{result.seconds:.1f} s",
        ]
    )


def family_wise_errors_text(title: str, found: FamilyWiseErrors) -> str:
    """Return the family-wise error of every configuration, and what is seen of the largest."""
    failed = f", {found.failed} failed" if found.failed else ""
    return "\n".join(
        [
            heading(
                f"{title}: true null hypotheses",
                f"{found.replicates:,} simulated trials{failed}; seed {found.seed}, "
                f"{found.engine} engine, scenario {found.scenario} ({found.digest})",
            ),
            f"{'any true one is rejected':28} {'prop.':>8} {'MCSE':>9}",
            *(_row(listed(map(in_words, true)), one) for true, one in found.errors.items()),
            "",
            fill(f"The largest, of {listed(map(in_words, found.worst))}, is {found.verdict}.", 100),
            "Hypotheses not in a row are false: their analyses have the effects of the study. The",
            "largest of several errors is by chance rather above its own.",
            "",
            *conventions_text({"multiplicity": found.conventions["multiplicity"]}),
            "",
            f"{found.seconds:.1f} s",
        ]
    )


def nuisance_text(title: str, found: Nuisance) -> str:
    """Return the type I error of a study over what its null hypothesis leaves open."""
    width = max(len(name) for name in found.rows)
    lines = [f"{'where':{width}} {'type I':>8} {'MCSE':>9} {'95% interval':>18} {'failed':>7}"]
    for name, row in found.rows.items():
        error = row.error
        lines.append(
            f"{name:{width}} {error.estimate:8.4f} {error_text(error.mcse):>9} "
            f"{f'{error.low:.4f} to {error.high:.4f}':>18} {row.result.failed:7,}"
        )
    first = found.first.result
    about = (
        f"{first.replicates:,} simulated trials of each, on seeds of their own; {first.engine} "
        f"engine, scenario {first.scenario}"
    )
    seconds = sum(row.result.seconds for row in found.rows.values())
    verdict = fill(f"Type I error {found.verdict}.", 100)
    return "\n".join(
        [heading(f"{title}: type I error", about), *lines, "", verdict, "", f"{seconds:.1f} s"]
    )


def _row(label: str, share: Proportion) -> str:
    ends = f"95% {share.low:.4f} to {share.high:.4f}"
    return f"{label:28} {share.estimate:8.4f} {error_text(share.mcse):>9}   {ends}"


def sensitivity_text(title: str, result: WhatIf) -> str:
    """Return the comparison, and which of its changes are large enough to be seen."""
    rows = result.to_dict()["rows"]
    return f"{what_if_text(title, result)}\n{what_is_seen(rows)}"


def tipping_point_text(title: str, result: TippingPoint) -> str:
    """Return what each delta leaves of the power, and where conclusions change."""
    failed = f", {result.failed} failed" if result.failed else ""
    lines = [
        heading(
            f"{title}: tipping point",
            f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, "
            f"{result.engine} engine, scenario {result.scenario} ({result.digest})",
        ),
        *wrap(shift_in_words(result), 100),
        "",
        *(_of_one(result) if result.replicates == 1 else _of_many(result)),
        "",
        _conclusion(result),
        "",
        *conventions_text(result.conventions),
        "",
        f"{result.seconds:.1f} s",
    ]
    return "\n".join(lines)


def shift_in_words(result: TippingPoint) -> str:
    """Return what is done to imputed scores."""
    return (
        f"Scores imputed {result.whose}, are made better by delta points, a negative delta worse, "
        f"on the same imputations, {SHIFTS[result.scale]}."
    )


def quartiles_in_words(result: TippingPoint) -> str:
    """Return median and quartiles of the tipping point, a delta beyond those tried as never."""
    quarter, half, rest = (_delta_text(float(one.estimate)) for one in result.quartiles.values())
    low, high = (_delta_text(float(one)) for one in result.quartiles[0.5][1:])
    return f"median tipping point {half} (95% {low} to {high}; quartiles {quarter} and {rest})"


def _delta_text(delta: float) -> str:
    """Return a delta to two decimals at most, an infinite one as beyond those tried.

    >>> _delta_text(-6.0), _delta_text(-6.55), _delta_text(-np.inf)
    ('-6', '-6.55', 'beyond')
    """
    return f"{delta:.2f}".rstrip("0").rstrip(".") if np.isfinite(delta) else "beyond"


def _of_one(result: TippingPoint) -> list[str]:
    lines = [f"{'delta':>8} {result.quantity.name:>24} {'95%':>20} {'p':>9}"]
    columns = result.columns
    for place, delta in enumerate(result.deltas):
        estimate, low, high, p_value = (
            columns[name][place, 0] for name in ("estimate", "low", "high", "p_value")
        )
        ends = f"{low:.4f} to {high:.4f}"
        lines.append(f"{delta:8g} {estimate:24.4f} {ends:>20} {p_value:9.4f}")
    return lines


def _of_many(result: TippingPoint) -> list[str]:
    lines = [
        f"{'delta':>8} {'power':>8} {'MCSE':>8} {'95% interval':>16} {'estimate':>10} {'MCSE':>8} "
        f"{'tipped':>8} {'95% interval':>16}"
    ]
    rows = zip(result.deltas, result.power, result.estimates, result.tipped, strict=True)
    for delta, power, estimate, tipped in rows:
        lines.append(
            f"{delta:8g} {power.estimate:8.4f} {error_text(power.mcse):>8} "
            f"{ends_text(power):>16} {estimate.estimate:10.4f} {estimate.mcse:8.4f} "
            f"{tipped.estimate:8.4f} {ends_text(tipped):>16}"
        )
    return lines


def _conclusion(result: TippingPoint) -> str:
    """Return how many conclusions there are, and by which delta they change."""
    tipping, (first, *_, last) = result.tipping, result.deltas
    concluded = tipping[~np.isnan(tipping)]
    if result.replicates == 1:
        if len(concluded) == 0:
            return f"At a delta of {first:g} the trial does not reject: nothing can tip."
        if np.isinf(concluded[0]):
            return f"The conclusion stands at every delta, down or up to {last:g}."
        before, tipped = (_delta_text(float(one[0])) for one in (result.before, concluded))
        told = f"Tipping point: {tipped}; at {before} the trial still rejects. {result.search}"
        return fill(told, 100)
    many = len(concluded)
    if many == 0:
        return f"At a delta of {first:g} no trial rejects: nothing can tip."
    return (
        f"{many:,} trials reject in favour of the treated at a delta of {first:g}. Quartiles of "
        "their tipping point,\nwhere beyond is a delta beyond those tried:\n\n"
        + "\n".join(_quartile_lines(result))
        + f"\n\n{fill(result.search, 100)}{_regained(result)}"
    )


def _quartile_lines(result: TippingPoint) -> Iterator[str]:
    """Yield the quartiles of the tipping point with their limits, and the share that never tips."""
    yield f"{'share tipped':>12} {'delta':>8} {'95% interval':>20}"
    for share, ends in result.quartiles.items():
        delta, low, high = (_delta_text(float(one)) for one in ends)
        yield f"{share:12.0%} {delta:>8} {f'{low} to {high}':>20}"
    never = result.never
    yield (
        f"{'never':>12} {never.estimate:8.4f} {ends_text(never):>20}   "
        f"MCSE {error_text(never.mcse)}, at all deltas to {result.deltas[-1]:g}"
    )


def _regained(result: TippingPoint) -> str:
    if result.regained == 0:
        return ""
    trials = "One trial rejects" if result.regained == 1 else f"{result.regained:,} trials reject"
    return f"\n{trials} again at a further delta of those shown."

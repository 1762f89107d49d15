"""The result of one trial, in words."""

from math import isnan

from trialsim.analysis.analyse import Analysis, Estimate
from trialsim.reporting.text.words import conventions_text


def analysis_text(result: Analysis) -> str:
    """Say the primary result, the scores by visit, and the conventions."""
    primary = result.primary
    lines = [
        _estimate_text(primary),
        *(f"{name}: {_estimate_text(result.secondary[name])}" for name in result.secondary),
        "",
        f"{'outcome':10} {'visit':10} {'arm':16} {'n':>5} {'mean':>7} {'SD':>7}",
    ]
    lines += [
        f"{row.outcome:10} {row.visit:10} {row.arm:16} {row.n:5} {row.mean:7.2f} {row.sd:7.2f}"
        for row in result.by_visit
    ]
    return "\n".join([*lines, "", *conventions_text(result.conventions)])


def _estimate_text(found: Estimate) -> str:
    """Say one result: what was estimated, its interval, its test."""
    statistic = "" if isnan(found.statistic) else f"statistic {found.statistic:.4f}, "
    adjusted = found.adjusted_p_value
    after = "" if adjusted == found.p_value else f" (adjusted {adjusted:.6g})"
    return (
        f"{found.quantity} {found.estimate:.4f} ({found.ci[0]:.4f} to {found.ci[1]:.4f}), "
        f"{statistic}p {found.p_value:.6g}{after}, analysed {found.treated} v {found.control}"
    )

"""A programme as text: one replicate of it, and how often its trials disagree."""

from typing import Final

from trialsim.questions.programmes.disagreement import Disagreement
from trialsim.questions.programmes.one_programme import SimulatedProgramme
from trialsim.reporting.text.words import conventions_text, error_text, heading, p_text
from trialsim.scenario.words.plan import plan_in_words
from trialsim.stats.monte_carlo import Proportion

_FEW: Final = 3
"""Up to so many trials every combination is listed; beyond, only how many are significant."""


def programme_text(found: SimulatedProgramme) -> str:
    """Return the effect of each trial and the pooled one, and the conventions."""
    about = f"one simulated replicate: seed {found.seed}, replicate {found.replicate}"
    told = found.to_dict()
    rows = [
        f"{row.trial:24} {row.analysed:9} {row.estimate:10.4f}   {row.low:.4f} to {row.high:.4f}"
        for row in found.to_frame().itertuples()
    ]
    return "\n".join(
        [
            heading(found.programme.title, about),
            f"{'':24} {'analysed':>9} {'estimate':>10}   {found.programme.analysis.confidence:.0%}",
            *rows,
            "",
            f"pooled {found.quantity.name}: {p_text(told['p_value'])}, I2 {told['i2']:.2f}",
            "",
            *conventions_text(plan_in_words(found.programme.analysis)),
        ]
    )


def disagreement_text(found: Disagreement) -> str:
    """Return how often the trials disagree, and in which way, each with its MCSE."""
    about = (
        f"{found.replicates:,} simulated programmes; seed {found.seed}, {found.scenario} "
        f"({found.digest})"
    )
    few = len(found.in_favour) <= _FEW
    sets = (
        {f"in favour: {_listed(names)}": one for names, one in found.patterns().items()}
        if few
        else {f"in favour: {count} trials": one for count, one in found.counts().items()}
    )
    rows = {
        "trials disagree": found.disagree,
        **sets,
        **{f"in favour: {name}, others either way": one for name, one in found.each().items()},
    }
    return "\n".join(
        [
            heading(found.title, about),
            *(f"{name}: {title}" for name, title in found.titles.items()),
            "",
            f"{'':40} {'prop.':>8} {'MCSE':>9}   95% interval",
            *(_row(label, one) for label, one in rows.items()),
            f"{'mean I2 between the trials':40} {found.i2.estimate:8.4f} {found.i2.mcse:9.4f}",
        ]
    )


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(names) or "none"


def _row(label: str, share: Proportion) -> str:
    ends = f"{share.low:.4f} to {share.high:.4f}"
    return f"{label:40} {share.estimate:8.4f} {error_text(share.mcse):>9}   {ends}"

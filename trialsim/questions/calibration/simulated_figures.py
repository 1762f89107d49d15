"""Figures of every simulated replicate of a study, those of its findings and those always kept."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from trialsim.analysis.finding_figures import finding_figures
from trialsim.arrays import Floats
from trialsim.errors import RunError
from trialsim.replicates.programmes import programme_quantities
from trialsim.replicates.quantities import QUANTITIES, quantities
from trialsim.replicates.run import Replicates, Summarise
from trialsim.runs.runner import Runner
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import AnalysisFigure, Finding, OfPatients
from trialsim.scenario.programme import Programme, Study
from trialsim.trial.trial import Trial

POWER: Final = "power"
_KEPT_AS: Final[Mapping[str, str]] = {POWER: "favoured"}
"""Power is the mean of what is kept of each replicate as 0 or 1."""
_ESTIMATES: Final = ("estimate", "low", "high")


def quantities_of(study: Study) -> tuple[str, ...]:
    """Return the names of the quantities that every study has, power first."""
    kept = programme_quantities(study) if isinstance(study, Programme) else QUANTITIES
    return (POWER, *kept)


def simulated_figures(
    study: Study,
    names: Sequence[str],
    findings: Mapping[str, Finding],
    replicates: range,
    runner: Runner,
) -> Replicates:
    """Return the named figures of every replicate, all from one simulation.

    A name is that of one of the findings, or else of a quantity that every study has.

    Raises
    ------
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    runner.check(study)
    summarise = Summarise(
        tuple(names), partial(_figures, names=tuple(names), findings=dict(findings))
    )
    done = runner.run(study, replicates, summarise)
    if len(done.failures) == len(replicates):
        raise RunError(f"all {len(replicates):,} replicates failed: {done.failures[0].reason}")
    if isinstance(study, Programme):
        kept = {name: _kept_as(findings.get(name, name)) for name in names}
        columns = {name: done.columns[column] for name, column in kept.items()}
        return Replicates(columns, done.failures)
    return done


def is_ratio(study: Study, figure: str | Finding) -> bool:
    """Return whether a finding or a quantity is a ratio, whose mean is that of its logarithm."""
    plan = study.analysis
    if isinstance(figure, str):
        return figure in _ESTIMATES and plan.quantity.is_ratio
    of = figure.of
    if not isinstance(of, AnalysisFigure) or of.figure == POWER:
        return False
    if of.analysis != PRIMARY and not isinstance(study, Programme):
        return study.analysis.further[of.analysis].quantity.is_ratio
    return plan.quantity.is_ratio


def _figures(
    trial: Trial, names: Sequence[str], findings: Mapping[str, Finding]
) -> dict[str, Floats]:
    found = finding_figures(trial, {name: findings[name] for name in names if name in findings})
    if len(found) < len(names):
        kept = quantities(trial)
        found |= {name: kept[_kept_as(name)] for name in names if name not in found}
    return found


def _kept_as(figure: str | Finding) -> str:
    """Return under which name a figure is kept of each replicate that knows no finding."""
    if isinstance(figure, str):
        return _KEPT_AS.get(figure, figure)
    if isinstance(figure.of, OfPatients):
        return figure.of.what
    return _KEPT_AS.get(figure.of.figure, figure.of.figure)

"""Whole trials, and plain rank comparisons, next to software that others use.

A whole trial of ours screens, randomises, infuses, follows and analyses its patients; none of the
peers does, so that theirs do less.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import numpy as np

import trialsim
from benchmarks import rscript
from benchmarks.designs import ALPHA, PATIENTS, POISSON_MEANS, poisson_cells, two_samples
from benchmarks.measure import Effort, Row, Table, Target, Work, compared, in_turns, on_one_core
from benchmarks.rank_power import loop_power, scipy_power
from trialsim.arrays import Floats
from trialsim.replicates.run import BATCH, Simulation
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.ranks.brunner_munzel import brunner_munzel
from trialsim.stats.ranks.effect_intervals import effect_interval
from trialsim.stats.ranks.mann_whitney import count, summarise_counts

SEED: Final = 2016
NOT_INSTALLED: Final = "not installed"


def measure(effort: Effort) -> Table:
    """Time ours and theirs in turns; those that are not on the machine say so."""
    return Table(
        "trials a second next to other software",
        [
            *_scipy(effort),
            _statsmodels(effort),
            _refua(effort),
            *(_beside_r(peer, effort) for peer in rscript.PEERS),
            _mediana(effort),
        ],
    )


def _whole_trials(effort: Effort) -> Work:
    scenario, trials = trialsim.load("cars1"), BATCH * effort.of(64)
    return on_one_core(lambda: Simulation(scenario, SEED, "vector").run(range(trials)), trials)


def _scipy(effort: Effort) -> list[Row]:
    samples, few, many = two_samples(), effort.of(1000, least=8), effort.of(20_000, least=512)
    rates = in_turns(
        {
            "ours": _whole_trials(effort),
            "loop": on_one_core(lambda: loop_power(samples, few), few),
            "power": on_one_core(lambda: scipy_power(samples, many), many),
        },
        effort.repeats,
    )
    ours, least = rates["ours"], Target("at least", 6)
    loop = "whole trial; loop of two NumPy samples + scipy.stats.mannwhitneyu"
    power = "whole trial; scipy.stats.power(mannwhitneyu) of two samples"
    return [
        compared(loop, "trials/s", ours, rates["loop"], least, note="5.9 to 7.1 in several runs"),
        compared(power, "trials/s", ours, rates["power"]),
    ]


def _statsmodels(effort: Effort) -> Row:
    """Compare Brunner-Munzel tests with their intervals, of the same samples."""
    what = "Brunner-Munzel test and interval; statsmodels rank_compare_2indep"
    if find_spec("statsmodels") is None:
        return Row(what, "trials/s", note=NOT_INSTALLED)
    samples, generator = two_samples(), np.random.default_rng(SEED)
    trials, rounds = effort.of(256, least=8), effort.of(20)
    treated, control = (samples.draw(arm, generator, (trials, PATIENTS[arm])) for arm in (0, 1))

    def ours() -> None:
        for _ in range(rounds):
            counts = [count(arm.astype(np.int64), samples.high + 1) for arm in (treated, control)]
            summary = summarise_counts(counts[0], counts[1])
            brunner_munzel(summary)
            effect_interval(summary, "brunner-munzel")

    works = {
        "ours": on_one_core(ours, rounds * trials),
        "theirs": on_one_core(_with_statsmodels(treated, control), trials),
    }
    rates = in_turns(works, effort.repeats)
    return compared(what, "trials/s", rates["ours"], rates["theirs"])


def _with_statsmodels(treated: Floats, control: Floats) -> Callable[[], None]:
    from statsmodels.stats.nonparametric import rank_compare_2indep

    def theirs() -> None:
        for one, other in zip(treated, control, strict=True):
            rank_compare_2indep(one, other).conf_int()

    return theirs


def _mediana(effort: Effort) -> Row:
    """Compare the power of a Wilcoxon test of Poisson counts: ours from counts."""
    what = "power of a rank test, from counts; Mediana WilcoxTest (elapsed)"
    if rscript.missing(rscript.MEDIANA):
        return Row(what, "trials/s", note=f"{rscript.MEDIANA} {NOT_INSTALLED}")
    cells = poisson_cells()
    many, few = effort.of(20_000, least=512), effort.of(2000, least=20)

    def ours() -> None:
        count_power(*cells, PATIENTS, many, np.random.default_rng(SEED), ALPHA / 2, "greater")

    def theirs() -> float:
        return rscript.mediana(few, PATIENTS[0], *POISSON_MEANS, ALPHA / 2, SEED)[0]

    return _in_turns_with_r(what, on_one_core(ours, many), Work(theirs, few), effort)


def _beside_r(peer: rscript.Peer, effort: Effort) -> Row:
    """Compare whole trials with what a package of R simulates of trials of as many patients."""
    what = f"whole trial; {peer.what}"
    if rscript.missing(peer.package):
        return Row(what, "trials/s", note=f"{peer.package} {NOT_INSTALLED}")
    samples, trials = two_samples(), effort.of(peer.trials, least=2)
    treated, control = samples.means
    scores = {"treated": treated, "control": control, "sd": samples.sd, "high": samples.high}

    def theirs() -> float:
        return rscript.simulated(peer, trials, sum(PATIENTS), SEED, ALPHA, **scores)[0]

    return _in_turns_with_r(what, _whole_trials(effort), Work(theirs, trials), effort)


def _in_turns_with_r(what: str, ours: Work, theirs: Work, effort: Effort) -> Row:
    try:
        rates = in_turns({"ours": ours, "theirs": theirs}, effort.repeats)
    except rscript.FailedInRError as failed:
        return Row(what, "trials/s", note=f"R did not finish: {failed}")
    return compared(what, "trials/s", rates["ours"], rates["theirs"])


def _refua(effort: Effort) -> Row:
    """Compare whole trials with those of refua-clinical, without its adaptation and stopping."""
    what = "whole trial; refua-clinical simulate_trials, doses and exposure"
    if find_spec("refua_clinical") is None:
        return Row(what, "trials/s", note=f"refua-clinical {NOT_INSTALLED}")
    trial, models = (import_module(f"refua_clinical.{part}") for part in ("trial", "models"))
    trials, age = effort.of(50, least=2), {"mean": 64.0, "sd": 10.0}
    config = models.SimulationConfig(
        *("cars1", "stroke", "III", "recovery"),
        seed=SEED,
        replicates=trials,
        population=models.VirtualPopulationSpec(
            covariates=[models.CovariateSpec("age", "normal", age)]
        ),
        enrollment=models.EnrollmentSpec(total_n=sum(PATIENTS)),
        adaptive=models.AdaptiveDesignSpec(enabled=False),
        stopping=models.StoppingSpec(enabled=False),
        arms=[
            models.ArmSpec("control", "saline", 0.0, is_control=True),
            models.ArmSpec("treated", "drug", 30.0),
        ],
    )
    theirs = on_one_core(lambda: trial.simulate_trials(config), trials)
    rates = in_turns({"ours": _whole_trials(effort), "theirs": theirs}, effort.repeats)
    return compared(what, "trials/s", rates["ours"], rates["theirs"])

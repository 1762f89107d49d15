"""The same design here and in a peer: the powers differ by no more than both Monte Carlo errors."""

import math
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

import trialsim
from benchmarks import rscript
from benchmarks.designs import (
    ALPHA,
    PATIENTS,
    POISSON_MEANS,
    THETA,
    poisson_cells,
    two_samples,
    without_trouble,
)
from benchmarks.measure import Effort, Row, Table, Target
from benchmarks.rank_power import scipy_power
from trialsim.stats.monte_carlo import mcse_of_proportion
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.planning.sample_size import noether
from trialsim.stats.ranks.mann_whitney import mann_whitney

SEED: Final = 2016
POWER: Final = 0.9
ALIKE: Final = Target("within", 3)


class Simulated(NamedTuple):
    """A power and the replicates that it rests on."""

    power: float
    replicates: int


def measure(effort: Effort) -> Table:
    """Compare powers; z is their difference over its Monte Carlo standard error."""
    samples, cells = two_samples(), without_trouble()
    many, few = effort.of(100_000, least=512), effort.of(20_000, least=256)
    generator = np.random.default_rng(SEED)
    counted = count_power(samples.treated, samples.control, PATIENTS, many, generator, ALPHA)
    counts = Simulated(counted.power.estimate.item(), many)
    scipy = Simulated(scipy_power(samples, many), many)
    whole = Simulated(trialsim.power(cells, few, SEED, n_jobs=1).power, few)
    rows = [
        _row("rank test from counts; scipy.stats.power", counts, scipy),
        _row("whole trial without trouble; rank test from counts", whole, counts),
        _row("whole trial without trouble; scipy.stats.power", whole, scipy),
        _against_mediana(effort),
        _patients(),
        _noether(effort),
    ]
    return Table("power by us and by others, of one design", rows, figure="z")


def _row(what: str, ours: Simulated, theirs: Simulated) -> Row:
    errors = [mcse_of_proportion(*one).item() for one in (ours, theirs)]
    z = (ours.power - theirs.power) / math.hypot(*errors)
    return Row(what, "power", ours.power, theirs.power, z, target=ALIKE)


def _against_mediana(effort: Effort) -> Row:
    """Compare Wilcoxon tests of Poisson counts, one-sided with continuity correction as in R."""
    what = "rank test of Poisson counts, from counts; Mediana WilcoxTest"
    if rscript.missing(rscript.MEDIANA):
        return Row(what, "power", note=f"{rscript.MEDIANA} not installed")
    few, many = effort.of(5000, least=50), effort.of(100_000, least=512)
    _, theirs = rscript.mediana(few, PATIENTS[0], *POISSON_MEANS, ALPHA / 2, SEED)
    generator = np.random.default_rng(SEED)
    ours = count_power(
        *poisson_cells(), PATIENTS, many, generator, ALPHA / 2, "greater", continuity=True
    )
    counted = Simulated(ours.power.estimate.item(), many)
    return _row(what, counted, Simulated(theirs, few))


def _patients() -> Row:
    """Compare the patients for a power with Noether's closed form, written out."""
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - ALPHA / 2) + normal.inv_cdf(POWER)
    theirs = quantiles**2 / (3 * (THETA - 0.5) ** 2)
    ours = noether(THETA).patients(POWER, ALPHA).item()
    return Row(
        what="patients for a power of 0.9, Noether (1987); the formula written out",
        unit="patients",
        ours=ours,
        theirs=theirs,
        figure=ours - theirs,
        target=Target("within", 1e-6),
        note="the difference, not z",
    )


def _noether(effort: Effort) -> Row:
    """Simulate samples without ties at Noether's size; his power is an approximation to theirs."""
    patients = math.ceil(noether(THETA).patients(POWER, ALPHA))
    sizes = (patients + 1) // 2, patients // 2
    shift = math.sqrt(2) * NormalDist().inv_cdf(THETA)
    batch, generator, rejected = 512, np.random.default_rng(SEED), 0
    replicates = batch * effort.of(40)
    for _ in range(replicates // batch):
        treated, control = (generator.normal(size=(batch, size)) for size in sizes)
        p_values = mann_whitney(treated + shift, control).p_value
        rejected += int((p_values <= ALPHA).sum())
    ours = Simulated(rejected / replicates, replicates)
    what = f"power at that size, {sum(sizes)} patients without ties; the formula's"
    return _row(what, ours, Simulated(POWER, replicates))._replace(note="an approximation")

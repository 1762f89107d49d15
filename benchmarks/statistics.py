"""Rank statistics of a batch of trials by counting, against SciPy on the same samples."""

import numpy as np
from scipy import stats

from benchmarks.designs import ALPHA, PATIENTS, two_samples
from benchmarks.measure import Effort, Row, Table, Target, compared, in_turns, on_one_core
from benchmarks.rank_power import scipy_power
from trialsim.arrays import Floats
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.ranks.brunner_munzel import brunner_munzel
from trialsim.stats.ranks.effect_intervals import IntervalMethod, effect_interval
from trialsim.stats.ranks.mann_whitney import count, mann_whitney, rank_test, summarise_counts

TRIALS = 256
"""In a batch, for both sides."""


def measure(effort: Effort) -> Table:
    """Time tests, intervals and power; both sides are given the same scores."""
    samples, generator = two_samples(), np.random.default_rng(2016)
    treated, control = (samples.draw(arm, generator, (TRIALS, PATIENTS[arm])) for arm in (0, 1))
    return Table(
        f"rank statistics of {PATIENTS[0]} v {PATIENTS[1]} patients on a scale of "
        f"{samples.high + 1} cells, against SciPy",
        [
            *_tests(treated, control, samples.high + 1, effort),
            _same_p_values(treated, control),
            _power(effort),
        ],
    )


def _tests(treated: Floats, control: Floats, cells: int, effort: Effort) -> list[Row]:
    """Compare a batch's tests; SciPy's test gives no interval."""
    rounds = effort.of(40)

    def counted(method: IntervalMethod) -> None:
        for _ in range(rounds):
            counts = [count(arm.astype(np.int64), cells) for arm in (treated, control)]
            summary = summarise_counts(counts[0], counts[1])
            rank_test(summary)
            effect_interval(summary, method)

    def brunner_munzel_counted() -> None:
        for _ in range(rounds):
            counts = [count(arm.astype(np.int64), cells) for arm in (treated, control)]
            brunner_munzel(summarise_counts(counts[0], counts[1]))

    calls = {
        "delong": lambda: counted("delong"),
        "bm": lambda: counted("brunner-munzel"),
        "sorted": lambda: [mann_whitney(treated, control) for _ in range(rounds)],
        "scipy": lambda: [_scipy_test(treated, control) for _ in range(rounds)],
        "bm test": brunner_munzel_counted,
        "scipy bm": lambda: [stats.brunnermunzel(control, treated, axis=1) for _ in range(rounds)],
    }
    works = {name: on_one_core(call, rounds * TRIALS) for name, call in calls.items()}
    rates, least = in_turns(works, effort.repeats), Target("at least", 6)
    named = (
        ("test and DeLong interval by counting, mannwhitneyu(axis=1)", "delong", "scipy", least),
        ("test and Brunner-Munzel interval, mannwhitneyu(axis=1)", "bm", "scipy", least),
        ("test of any numbers, by sorting, mannwhitneyu(axis=1)", "sorted", "scipy", None),
        ("Brunner-Munzel test by counting, brunnermunzel(axis=1)", "bm test", "scipy bm", None),
    )
    return [
        compared(what, "trials/s", rates[ours], rates[theirs], target)
        for what, ours, theirs, target in named
    ]


def _same_p_values(treated: Floats, control: Floats) -> Row:
    """Say how far the p-values of the two sides lie apart."""
    apart = np.abs(mann_whitney(treated, control).p_value - _scipy_test(treated, control))
    return Row(
        what=f"largest difference of {TRIALS} p-values",
        unit="",
        ours=float(apart.max()),
        target=Target("at most", 1e-12, "apart"),
    )


def _scipy_test(treated: Floats, control: Floats) -> Floats:
    tested = stats.mannwhitneyu(treated, control, use_continuity=False, axis=1, method="asymptotic")
    return np.asarray(tested.pvalue)


def _power(effort: Effort) -> Row:
    """Compare power from counts with power from samples of the same distributions."""
    samples, trials = two_samples(), effort.of(40_000, least=512)

    def ours() -> None:
        generator = np.random.default_rng(2016)
        count_power(samples.treated, samples.control, PATIENTS, trials, generator, ALPHA)

    works = {
        "ours": on_one_core(ours, trials),
        "theirs": on_one_core(lambda: scipy_power(samples, trials), trials),
    }
    rates = in_turns(works, effort.repeats)
    what = "power from counts, scipy.stats.power(mannwhitneyu)"
    return compared(what, "trials/s", rates["ours"], rates["theirs"], Target("at least", 3))

"""What the score on one scale leaves possible on another: whoever cannot move an arm places no peg.

A bound holds between two scores of one visit, whatever made them, and never at baseline, where
scores are covariates.
"""

from collections.abc import Iterator

import numpy as np

from trialsim.arrays import Floats
from trialsim.distributions import FrozenModel
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.validation.refusal import Finite, Name, Violation


class Bound(FrozenModel):
    """Where the score of another outcome lies so, this one's is no better, or no worse, than that.

    >>> from trialsim.scenario.outcomes.scales import Grid
    >>> no_peg = Bound(outcome="arat", at_most=9, no_better_than=180)
    >>> seconds = Grid(10, 180, 1, logarithmic=True)
    >>> no_peg.held(np.array([60.0, 60.0]), np.array([9.0, 10.0]), seconds, sign=-1).tolist()
    [170.0, 60.0]
    """

    omitted_defaults = ("at_least", "at_most", "no_better_than", "no_worse_than")

    outcome: Name
    """The outcome that bounds this one, such as arat; it stands before this one in the file."""
    at_least: Finite | None = None
    """The least of its scores that do so, such as 100; null for no least."""
    at_most: Finite | None = None
    """The greatest of its scores that do so, such as 9; null for no greatest."""
    no_better_than: Finite | None = None
    """The best score that is then possible, such as 180; null for any."""
    no_worse_than: Finite | None = None
    """The worst score that is then possible, such as 3; null for any."""

    def held(self, cell: Floats, other: Floats, grid: Grid, sign: int) -> Floats:
        """Return cells within the bound, given the other outcome's scores.

        Parameters
        ----------
        sign
            1 where higher scores are better, -1 where lower ones are.
        """
        least = -np.inf if self.at_least is None else self.at_least
        most = np.inf if self.at_most is None else self.at_most
        bounded = cell
        if self.no_better_than is not None:
            best = grid.cell_of(np.array(self.no_better_than))
            bounded = np.minimum(bounded, best) if sign > 0 else np.maximum(bounded, best)
        if self.no_worse_than is not None:
            worst = grid.cell_of(np.array(self.no_worse_than))
            bounded = np.maximum(bounded, worst) if sign > 0 else np.minimum(bounded, worst)
        return np.where((other >= least) & (other <= most), bounded, cell)


def bound_refusals(bound: Bound | None, low: float, high: float) -> Iterator[Violation]:
    """Yield what is wrong with a bound on a scale, as far as the bound is known."""
    told = {} if bound is None else vars(bound)
    if not {"at_least", "at_most", "no_better_than", "no_worse_than"} <= set(told):
        return
    least, most = told["at_least"], told["at_most"]
    if least is None and most is None:
        yield Violation("at_most", "must be given, or at_least: the scores that bound")
    elif least is not None and most is not None and most < least:
        yield Violation("at_most", f"must be at least {least:g}, which is at_least", most)
    limits = {name: told[name] for name in ("no_better_than", "no_worse_than")}
    if all(limit is None for limit in limits.values()):
        yield Violation("no_better_than", "must be given, or no_worse_than: what is then possible")
    for name, limit in limits.items():
        if limit is not None and not low <= limit <= high:
            yield Violation(name, f"must lie within the scale, {low:g} and {high:g}", limit)

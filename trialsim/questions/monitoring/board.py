"""The looks of one trial as its board sees them: data known that day, bounds, decisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trialsim.analysis.analyse import Analysis
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.inference import adjusted
from trialsim.analysis.monitoring.monitored import Monitored, monitor
from trialsim.clock import DAY
from trialsim.errors import InputError, Problem
from trialsim.replicates.monitoring.monitored import largest
from trialsim.scenario.monitoring.effect_scale import reported
from trialsim.scenario.words.monitoring import boundary_of, monitoring_in_words
from trialsim.shown import Shown
from trialsim.simulated import SimulatedTrial
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
)
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame


_OF_TRIAL: Final = ("scenario", "digest", "seed", "replicate")


@dataclass(frozen=True, slots=True)
class BoardLook:
    """One look, or the last analysis, of one trial."""

    name: str
    day: float
    """Days after the first site could recruit at which the data were cut; NaN at the end."""
    known: int
    """Patients whose endpoint was known."""
    randomised: int
    analysed: int
    estimate: float
    """Of the data known that day; NaN where an arm was empty."""
    share: float
    """Of the planned information; NaN where the data had none."""
    z: float
    """What is tested, a combination of stages where the plan has one."""
    efficacy_bound: float
    futility_bound: float
    """-inf where the look does not stop for futility."""
    conditional_power: float
    """Under the trend; NaN at the end."""
    predictive_power: float
    decision: str
    decided_day: float
    """Day of the decision; NaN at the end."""


@dataclass(frozen=True, slots=True, repr=False)
class Board(Shown):
    """What the board of one simulated trial saw and decided, look by look, up to the end."""

    scenario: str
    digest: str
    seed: int
    replicate: int
    looks: tuple[BoardLook, ...]
    patients: int
    """How many were randomised in the end."""
    estimate: float
    """What the trial reports as planned after looks: the estimate and the ends of its interval."""
    low: float
    high: float
    rejects: bool
    """Whether it rejects the null hypothesis, on either side."""
    conventions: Mapping[str, str]

    def to_frame(self) -> "DataFrame":
        """Return a row for each look."""
        from pandas import DataFrame

        return DataFrame([_plain(look) for look in self.looks])

    def to_dict(self) -> dict[str, Any]:
        """Return the looks as plain values, for JSON."""
        return {
            "result": {
                "rejects": self.rejects,
                "estimate": self.estimate,
                "low": self.low,
                "high": self.high,
                "ended_at": self.looks[-1].name,
                "patients": self.patients,
            },
            "looks": [_plain(look) for look in self.looks],
            "patients": self.patients,
            "conventions": dict(self.conventions),
        }


def board(trial: SimulatedTrial) -> Board:
    """Return the looks of a simulated trial as its board saw them.

    The trial's own tables are those of a trial that no look has stopped.

    >>> import trialsim as ts
    >>> seen = ts.board(ts.simulate(ts.load("cars_sequential"), seed=2016))
    >>> [look.name for look in seen.looks], seen.looks[-1].decision
    (['first'], 'stopped for futility; those who waited would undo it')

    Raises
    ------
    InputError
        If the study has no looks.
    """
    study = trial.scenario
    if study.monitoring is None:
        raise InputError([Problem("monitoring", "must be there: the study has no looks")])
    batch = trial.batch
    if largest(study) is not study:  # with the patients that a look may ask for
        here = range(trial.replicate, trial.replicate + 1)
        batch = simulate_batch(largest(study), Streams(trial.seed, here))
    seen = monitor(FinishedTrial(batch), boundary_of(study))
    estimate, low, high = (float(one[0]) for one in adjusted(seen))
    places = range(int(seen.stop[0]) + 1)
    return Board(
        scenario=study.name,
        digest=study.digest,
        seed=trial.seed,
        replicate=trial.replicate,
        looks=tuple(_look(seen, place) for place in places),
        patients=int(seen.enrolled.sum()),
        estimate=estimate,
        low=low,
        high=high,
        rejects=bool(seen.rejected[0]),
        conventions=monitoring_in_words(study),
    )


def told_by_board(trial: SimulatedTrial | None) -> dict[str, Any]:
    """Return the board of a trial for JSON, as `monitoring`; nothing of a study without looks."""
    if trial is None or trial.scenario.monitoring is None:
        return {}
    return {"monitoring": board(trial).to_dict()}


def analysis_told(trial: SimulatedTrial, analysis: Analysis) -> dict[str, Any]:
    """Return the result of a trial for JSON: with looks its own, and beside it one without them.

    What the analysis of everybody says, as if no look had stopped the trial, is `ignoring_looks`.
    """
    told = analysis.to_dict()
    if trial.scenario.monitoring is None:
        return told
    seen = board(trial)
    own = {name: told[name] for name in (*_OF_TRIAL, "quantity", "null")}
    own |= {"estimate": seen.estimate, "ci": [seen.low, seen.high], "rejected": seen.rejects}
    rest = {name: value for name, value in told.items() if name not in _OF_TRIAL}
    return {"monitoring": seen.to_dict(), **own, "ignoring_looks": rest}


def _look(seen: Monitored, place: int) -> BoardLook:
    """Return one look; the last place is the last analysis."""
    when, last = seen.moments, place == seen.held.shape[1] - 1
    z, share = float(seen.z[0, place]), float(seen.fractions[0, place])
    critical = float(seen.plan.planned.efficacy[-1])
    within = not last and 0 < share < 1
    patients = int(seen.patients[0])
    return BoardLook(
        name=seen.plan.names[place],
        day=float("nan") if last else float(when.minute[0, place] / DAY),
        known=patients if last else int(when.known[0, place]),
        randomised=patients if last else int(when.randomised[0, place]),
        analysed=int(seen.found.patients[0, place]),
        estimate=float(reported(seen.plan.analysis, seen.found.effect[0, place])),
        share=share,
        z=z,
        efficacy_bound=float(seen.bounds.efficacy[0, place]),
        futility_bound=float(seen.bounds.futility[0, place]),
        conditional_power=float(conditional_power(z, share, critical, trend_drift(z, share)))
        if within
        else float("nan"),
        predictive_power=float(predictive_power(z, share, critical)) if within else float("nan"),
        decision=_decision(seen, place, last),
        decided_day=float("nan") if last else float(when.decided[0, place] / DAY),
    )


def _decision(seen: Monitored, place: int, last: bool) -> str:
    """Say what follows from a look."""
    if last:
        rejects = seen.above[0, place] or seen.below[0, place]
        return "rejects the null hypothesis" if rejects else "does not reject the null hypothesis"
    if not seen.moments.reached[0, place]:
        return "not held: before or with another look, or after the end"
    if not seen.held[0, place]:
        return "no information: an empty arm, or all values equal"
    for crossed, said in (
        (seen.above, "stopped for efficacy"),
        (seen.below, "stopped for harm"),
        (seen.futile, "stopped for futility"),
    ):
        if crossed[0, place]:
            followed = seen.plan.monitoring.waiting_patients == "followed"
            undone = "; those who waited would undo it" if followed and seen.reversed[0] else ""
            return said + undone
    if seen.full[0, place]:
        return "last analysis, with the planned information: does not reject the null hypothesis"
    rule = seen.plan.monitoring.re_estimation
    if rule is not None and rule.at == seen.plan.names[place]:
        return f"continues, to {int(seen.patients[0])} patients"
    return "continues"


def _plain(look: BoardLook) -> dict[str, Any]:
    return {name: getattr(look, name) for name in BoardLook.__slots__}

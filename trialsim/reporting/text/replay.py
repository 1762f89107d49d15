"""One trial of a run, or one patient of it, in words."""

from math import isnan

from trialsim.replicates.result import SIMULATED
from trialsim.runs.replay import Replay, Timeline


def replay_text(title: str, replay: Replay) -> str:
    """Say the numbers of a rebuilt replicate, which are those that the run kept."""
    lines = [
        f"{title}\nreplicate {replay.replicate} of seed {replay.seed}, built again: every number "
        f"is that of the run, to the bit\n{SIMULATED}\n"
    ]
    if replay.failure is not None:
        told = replay.failure.traceback or replay.failure.reason
        return "\n".join([*lines, "The replicate failed, then as now:", told])
    lines += [f"{name:20} {value:12.6g}" for name, value in replay.numbers.items()]
    return "\n".join(lines)


def timeline_text(title: str, patient: Timeline) -> str:
    """Say a patient's way through the trial day by day, and the scores in every arm."""
    lines = [
        f"{title}\npatient {patient.patient} of replicate {patient.replicate}, seed "
        f"{patient.seed}: {patient.site}, {patient.arm}\n{SIMULATED}\n"
    ]
    lines += [f"{name:30} {_said(value)}" for name, value in patient.covariates.items()]
    lines += ["", f"{'day':>5}  time"]
    lines += [
        f"{one.day:5}  {one.time}  {one.event:16} {one.detail}".rstrip() for one in patient.moments
    ]
    for outcome, arms in patient.scores.items():
        visits = next(iter(arms.values()))
        width = max(map(len, arms))
        lines += ["", f"{outcome}, had the patient been in each arm and missed no visit:"]
        lines += [" " * width + "".join(f"{visit:>10}" for visit in visits)]
        lines += [
            f"{arm:{width}}" + "".join(f"{_score(score):>10}" for score in scores.values())
            for arm, scores in arms.items()
        ]
    return "\n".join(lines)


def _score(score: float) -> str:
    """Return a score, or a dash where the visit does not have it."""
    return "-" if isnan(score) else f"{score:g}"


def _said(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

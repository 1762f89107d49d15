"""What the page may ask a worker for, and the answer: a piece of the page, and files to keep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import numpy as np

from trialsim.app.limits import check_request
from trialsim.app.pieces import compared_piece, curve_piece, power_piece
from trialsim.app.uploaded import uploaded_study
from trialsim.questions.power import power
from trialsim.questions.what_if.variants import Variant
from trialsim.questions.what_if.what_if import WhatIf, compared, what_if
from trialsim.replicates.run import BATCH, Replicates
from trialsim.reporting.kept_runs import report
from trialsim.reporting.pages.patient import patient_page
from trialsim.reporting.pages.trial import trial_page
from trialsim.runs.plain_csv import as_csv
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import Study, differences, single_trial
from trialsim.simulated import simulate
from trialsim.stats.monte_carlo import wilson_interval

Tell: TypeAlias = Callable[[int, int, str], None]
"""Called with the trials that are done, with all that there are to do, 0 where that is not known,
and with what is known so far, in words."""
WITHOUT_EFFECT: Final = 1024
"""Trials that a report has without effect, fewer than on the command line."""
OF_EACH_CHANGE: Final = 64
"""Trials of each change of a number in a report, likewise."""
_PUBLISHED: Final = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker found."""

    pieces: Mapping[str, str] = field(default_factory=dict)
    """HTML by the place on the page where it goes."""
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """Name and content of a file, by what it is called on the page."""
    study: Study | None = None
    """The study that was read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Read a study file that was uploaded."""

    name: str
    content: bytes

    def check(self) -> None:
        """Everything of a file is checked as it is read."""

    def answer(self, tell: Tell) -> Answer:
        """Return the study."""
        return Answer(study=uploaded_study(self.name, self.content))


@dataclass(frozen=True, slots=True)
class Powering:
    """Estimate the operating characteristics of a design."""

    study: Study
    replicates: int
    seed: int

    def check(self) -> None:
        """Refuse what is too much."""
        check_request([self.study], self.replicates)

    def answer(self, tell: Tell) -> Answer:
        """Return the results, and what is drawn of the first trials."""
        progress = _Progress(tell, self.replicates, of_one_design=True)
        batch = _batch(self.replicates)
        found = power(self.study, self.replicates, self.seed, 1, batch=batch, progress=progress)
        table = f"{self.study.name}_power_simulated.csv", as_csv(found.to_frame()).encode()
        return Answer(power_piece(self.study, found), {"power": table})


@dataclass(frozen=True, slots=True)
class Curving:
    """Estimate the power at several values of one number, on the same trials."""

    study: Study
    path: str
    values: tuple[float, ...]
    replicates: int
    seed: int

    def check(self) -> None:
        """Refuse what is too much, and values that the study cannot have."""
        designs = [self.study.replace({self.path: value}) for value in self.values]
        check_request([self.study, *designs], self.replicates)

    def answer(self, tell: Tell) -> Answer:
        """Return the curve."""
        progress = _Progress(tell, self.replicates * (len(self.values) + 1))
        found = what_if(
            self.study,
            {self.path: list(self.values)},
            replicates=self.replicates,
            seed=self.seed,
            n_jobs=1,
            batch=_batch(self.replicates),
            progress=progress,
        )
        table = f"{self.study.name}_curve_simulated.csv", as_csv(found.to_frame()).encode()
        return Answer({"curve": curve_piece(self.study, found)}, {"curve": table})


@dataclass(frozen=True, slots=True)
class Comparing:
    """Compare designs on the same trials, each with the first of them."""

    designs: tuple[tuple[str, Study], ...]
    """Each with the name that it has on the page."""
    replicates: int
    seed: int

    def check(self) -> None:
        """Refuse what is too much."""
        check_request([study for _, study in self.designs], self.replicates)

    def answer(self, tell: Tell) -> Answer:
        """Return the comparison."""
        found = self._compared(_Progress(tell, self.replicates * len(self.designs)))
        table = f"{found.scenario}_comparison_simulated.csv", as_csv(found.to_frame()).encode()
        return Answer({"compare": compared_piece(found)}, {"compare": table})

    def _compared(self, progress: "_Progress") -> WhatIf:
        (_, base), *_ = self.designs
        variants = [Variant(name, differences(base, one), one) for name, one in self.designs]
        runner = Runner(self.seed, 1, batch=_batch(self.replicates), progress=progress)
        return compared(variants, (), self.replicates, runner)


@dataclass(frozen=True, slots=True)
class Looking:
    """Look at one trial, or at one of its patients."""

    study: Study
    seed: int
    replicate: int
    patient: int | None = None

    def check(self) -> None:
        """Refuse what is too much, and a programme."""
        single_trial(self.study)
        check_request([self.study])

    def answer(self, tell: Tell) -> Answer:
        """Return the page of the trial or of the patient, whole."""
        tell(0, 0, "")
        trial = simulate(self.study, self.seed, self.replicate)
        told = f"trialsim app, trial {self.replicate} of seed {self.seed}"
        if self.patient is None:
            page, name = trial_page(trial, told), f"trial_{self.replicate}"
        else:
            page = patient_page(trial, self.patient, f"{told}, patient {self.patient}")
            name = f"trial_{self.replicate}_patient_{self.patient}"
        file = f"{self.study.name}_{name}_simulated.html", page.encode()
        return Answer({"trial": page}, {"trial": file})


@dataclass(frozen=True, slots=True)
class Reporting:
    """Write the report of a design: one page that holds everything."""

    study: Study
    replicates: int
    seed: int

    def check(self) -> None:
        """Refuse what is too much, and a programme."""
        single_trial(self.study)
        check_request([self.study], self.replicates)

    def answer(self, tell: Tell) -> Answer:
        """Return the report, computed in a folder that is removed."""
        with TemporaryDirectory(prefix="trialsim-app-") as folder:
            run, page = Path(folder) / "run", Path(folder) / "report.html"
            progress = _Progress(tell, self.replicates, of_one_design=True)
            batch = _batch(self.replicates)
            power(self.study, self.replicates, self.seed, 1, "auto", batch, progress, out=run)
            report(
                run,
                page,
                null_replicates=WITHOUT_EFFECT,
                sensitivity_replicates=OF_EACH_CHANGE,
                published_replicates=_PUBLISHED,
                nuisance_replicates=0,
                n_jobs=1,
                progress=_Progress(tell, 0),
            )
            name = f"{self.study.name}_report_simulated.html"
            return Answer(files={"report": (name, page.read_bytes())})


Request: TypeAlias = Reading | Powering | Curving | Comparing | Looking | Reporting
"""Each has `check`, which refuses it before a worker has it, and `answer`, for the worker."""


class _Progress:
    """Counts finished trials; of one design it knows the power so far."""

    def __init__(self, tell: Tell, total: int, of_one_design: bool = False) -> None:
        self._tell, self._total, self._of_one_design = tell, total, of_one_design
        self._done = 0
        self._favoured = self._known = 0.0
        tell(0, total, "")

    def __call__(self, done: int, part: Replicates) -> None:
        """Count a finished task."""
        self._done += done
        favoured = part.columns.get("favoured", np.empty(0))
        self._favoured += float(np.nansum(favoured))
        self._known += float(np.isfinite(favoured).sum())
        words = ""
        if self._of_one_design and self._known:
            now = wilson_interval(self._favoured, self._known)
            words = f"power so far {now.estimate:.3f} ({now.low:.3f} to {now.high:.3f})"
        self._tell(self._done, self._total, words)


def _batch(replicates: int) -> int:
    """Return how many trials are simulated at once: few where there are few, to tell of them."""
    return max(1, min(BATCH, replicates // 16))

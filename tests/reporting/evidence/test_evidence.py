"""What a report computes beside its run: as much as was asked, or as the engine can do."""

from typing import Any, Final

import pytest

from trialsim.reporting.evidence import published, sensitivity, type_one_error
from trialsim.reporting.evidence.evidence import DEFAULT, ReportOptions, collect_evidence
from trialsim.runs.directory import RunDirectory

NONE: Final = ReportOptions(
    null_replicates=0,
    sensitivity_replicates=0,
    published_replicates=0,
    nuisance_replicates=0,
    n_jobs=1,
)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return where the replicates that are asked for are noted, of which none is run."""
    noted: dict[str, int] = {}
    runs = {
        "run_null": type_one_error,
        "run_nuisance": type_one_error,
        "run_sensitivity": sensitivity,
        "run_reproduction": published,
    }
    for function, module in runs.items():

        def note(run: RunDirectory, count: int, *_: Any, name: str = function) -> None:
            noted[name.removeprefix("run_")] = count

        monkeypatch.setattr(module, function, note)
    return noted


def test_what_is_slow_is_asked_for_fewer_trials(
    modest_run: RunDirectory, waiting_run: RunDirectory, counts: dict[str, int]
) -> None:
    collect_evidence(modest_run, ReportOptions(n_jobs=1))
    quick = dict(counts)
    assert quick["sensitivity"] == DEFAULT[1]
    collect_evidence(waiting_run, ReportOptions(n_jobs=1))
    assert counts["sensitivity"] == DEFAULT[1] // 4
    assert (
        quick["null"] == quick["nuisance"] == quick["reproduction"] == 160
    )  # no more than the run itself has


def test_what_is_asked_for_is_what_is_computed(
    modest_run: RunDirectory, counts: dict[str, int]
) -> None:
    collect_evidence(modest_run, NONE)
    assert not counts
    collect_evidence(modest_run, ReportOptions(None, None, 12, 34, 56, 78, n_jobs=1))
    assert counts == {"null": 12, "sensitivity": 34, "reproduction": 56, "nuisance": 78}

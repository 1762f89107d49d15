"""What a run in a directory says, read again: its result, and its report."""

from pathlib import Path

from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import PowerResult


def open_run(folder: str | Path) -> PowerResult:
    """Return the result of a finished run from the directory that keeps it, which is only read.

    Raises
    ------
    InputError
        If there is no run of one study, or it is not finished or is damaged.
    RunError
        If it cannot be read, or every replicate failed.
    """
    from trialsim.reporting.evidence.finished_run import finished
    from trialsim.runs.directory import find_run

    return finished(find_run(folder))


def report(
    run: str | Path,
    path: str | Path,
    question: str = "",
    null_replicates: int | None = None,
    sensitivity_replicates: int | None = None,
    published_replicates: int | None = None,
    nuisance_replicates: int | None = None,
    n_jobs: int = -1,
    keep: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
    scenarios: str | Path | None = None,
    scenario_replicates: int | None = None,
    conclusion: str = "",
) -> None:
    """Write the report of a run that a directory keeps: one file that holds everything.

    Parameters
    ----------
    run
        The directory of a finished run of one trial, as `power(..., out=...)` leaves it.
    path
        The .html or, by the extra `office`, .pdf or .docx file to write; one that trialsim has
        made is replaced.
    question
        What the study was simulated to answer, in the words of whoever asks.
    null_replicates, sensitivity_replicates, published_replicates, nuisance_replicates
        Trials without effect, of each change, beside what was published, and of each nuisance
        value; 0 leaves a part out, None takes what is computed in well under a minute.
    keep
        A folder that keeps what is computed, for the next report.
    overwrite
        Whether a file that trialsim has not made may be replaced.
    scenarios, scenario_replicates
        A YAML file of scenarios that the report names, in place of the study's own, and the
        trials of each; 0 leaves them out.
    conclusion
        What its author concludes, in the author's words.

    Raises
    ------
    InputError
        If the run is not finished or is damaged, the file must not be replaced or is of another
        kind, or the extra that writes it is not installed.
    RunError
        If something that is to be computed fails, or the page cannot be written.
    """
    from trialsim.reporting.evidence.evidence import ReportOptions, collect_evidence
    from trialsim.reporting.named_file import check_named, write_named
    from trialsim.reporting.pages.report import report as page_of
    from trialsim.reporting.paper import as_file, check_kind
    from trialsim.reporting.tables.page import check_pages
    from trialsim.runs.directory import find_run

    path = Path(path)
    check_pages()
    check_kind(path, "path")
    check_named(path, "path", overwrite)
    wanted = ReportOptions(
        null_replicates=null_replicates,
        sensitivity_replicates=sensitivity_replicates,
        published_replicates=published_replicates,
        nuisance_replicates=nuisance_replicates,
        scenarios=None if scenarios is None else Path(scenarios),
        scenario_replicates=scenario_replicates,
        n_jobs=n_jobs,
        keep=None if keep is None else Path(keep),
    )
    evidence = collect_evidence(find_run(run), wanted, progress)
    write_named(
        path, as_file(path, page_of(evidence, question, conclusion=conclusion)), "path", overwrite
    )

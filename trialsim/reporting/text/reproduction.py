"""Published beside simulated results, and calibrated parameters, as text."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill
from typing import Final

from trialsim.questions.calibration.calibrate import CalibrationResult
from trialsim.questions.calibration.reproduce import Reproduced, Reproduction, Verdict
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.text.words import heading

_WIDTH: Final = 110
_IN_WORDS: Final[Mapping[Verdict, str]] = {
    "reproduced": "reproduced",
    "calibrated": "reproduced, calibrated to it",
    "typical": "within the central 95% of trials",
    "not reproduced": "not reproduced",
}
LEGEND: Final = (
    "Reproduced: the published figure and the mean over simulated trials differ by no more than "
    "rounding and two Monte Carlo standard errors; calibrated, if a parameter was solved for it. A "
    "parameter whose note says that it was set to a figure, as for patients at baseline, agrees by "
    "construction. Within the central 95%: the mean differs, but the central 95% of simulated "
    "trials include the figure. A published figure comes from one trial and has its sampling "
    "error; [derived] figures follow from what was published, [assumed] ones are recalled or "
    "chosen, not verified."
)


def reproduction_text(results: Sequence[Reproduction]) -> str:
    """Return a table of findings for each study."""
    tables = ["\n".join(_table(result)) for result in results]
    return "\n\n".join([*tables, fill(LEGEND, _WIDTH)])


def verdict_in_words(row: Reproduced) -> str:
    """Return the verdict on a figure, with the figure's status unless it was published."""
    words = _IN_WORDS[row.verdict]
    return words if row.status == "published" else f"{words} [{row.status}]"


def _table(result: Reproduction) -> Iterator[str]:
    failed = f", {result.failed:,} failed" if result.failed else ""
    yield heading(
        result.title,
        f"{result.replicates:,} simulated trials{failed}; seed {result.seed}, scenario "
        f"{result.scenario} ({result.digest})",
    )
    width = max(len(row.label) for row in result.rows)
    yield (
        f"{'':{width}} {'published':>10} {'simulated':>10} {'MCSE':>9} "
        f"{'95% of trials':>18}   verdict"
    )
    for row in result.rows:
        published, simulated, low, high = numbers_of(row)
        between = f"{low} to {high}"
        yield (
            f"{row.label:{width}} {published:>10} {simulated:>10} {_short(row.mcse):>9} "
            f"{between:>18}   {verdict_in_words(row)}"
        )
        for line in _lines_below(row):
            yield fill(line, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def numbers_of(row: Reproduced) -> tuple[str, str, str, str]:
    """Return the published figure, the simulated one and where trials fall, as text.

    The mean has one decimal more than was published.
    """
    published = f"{row.published:.{row.decimals}f}"
    low, high = (f"{end:.{row.decimals}f}" for end in (row.low, row.high))
    return published, f"{row.simulated:.{row.decimals + 1}f}", low, high


def _lines_below(row: Reproduced) -> Iterator[str]:
    if row.calibrated:
        solved = " and ".join(row.calibrated)
        missed = "" if row.verdict == "calibrated" else "; the simulation no longer agrees"
        yield f"calibrated to this figure: {solved}{missed}"
    if row.verdict in ("typical", "not reproduced") and row.explanation is not None:
        yield row.explanation
    elif row.verdict == "not reproduced":
        yield "reason unknown"


def _short(error: float) -> str:
    """Return an error to two digits; a dash for 0, where nothing varied.

    >>> _short(0.000834), _short(0.5), _short(12.345), _short(0.0)
    ('0.00083', '0.50', '12', '-')
    """
    if error == 0:
        return "-"
    text = f"{error:#.2g}"
    return text.rstrip(".") if "e" not in text else f"{error:.6f}"


def reproduction_markdown(results: Sequence[Reproduction]) -> str:
    """Return one table of Markdown for all studies, and below it what its verdicts mean."""
    first = results[0]
    lines = [
        f"{first.replicates:,} simulated trials of each study, seed {first.seed}. {SIMULATED}",
        "",
        "| study | figure | published | simulated | MCSE | 95% of trials | verdict |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    lines += [line for result in results for line in _markdown_rows(result)]
    return "\n".join([*lines, "", LEGEND])


def _markdown_rows(result: Reproduction) -> Iterator[str]:
    for row in result.rows:
        published, simulated, low, high = numbers_of(row)
        why = row.explanation if row.verdict in ("typical", "not reproduced") else None
        verdict = verdict_in_words(row) + (f": {why}" if why else "")
        cells = (
            f"`{result.scenario}`",
            row.label,
            published,
            simulated,
            _short(row.mcse),
            f"{low} to {high}",
            verdict,
        )
        yield f"| {' | '.join(cells)} |"


def calibration_text(result: CalibrationResult) -> str:
    """Return the calibrated parameters, their MCSE, and what confirms them."""
    study = result.study
    lines = [
        heading(
            study.title,
            f"{result.replicates:,} simulated trials of each value, {result.simulated:,} in all; "
            f"seed {result.seed}, scenario {study.name} ({study.digest})",
        )
    ]
    for row in result.rows:
        lines += [
            f"{row.path}",
            f"  {'solved for':22} {row.target} = {row.aim:g}",
            f"  {'value':22} {row.value:.12g} (MCSE {_short(row.error)}; it was {row.before:.12g})",
            f"  {'simulated figure':22} {row.figure:.6g}",
            f"  {'confirmed':22} {row.confirmed:.6g} (MCSE {_short(row.confirmed_mcse)}), on "
            f"fresh trials, seed {result.confirmation_seed}",
        ]
    return "\n".join([*lines, "", f"{result.seconds:.1f} s"])

"""The benchmark suite runs and tells the truth about what it measured; no time is asserted."""

import doctest
import json
import math
import shutil
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import simpy
from scipy import stats
from simpy.resources.resource import Request

import trialsim
from benchmarks import measure, missingness, peers, power, printing, rscript, start
from benchmarks.__main__ import NAMES, PARTS, TIMED, main, measured
from benchmarks.bare_simpy import bare_loop
from benchmarks.designs import ALPHA, PATIENTS, THETA, two_samples, without_trouble
from benchmarks.floor import draw_again, draws_of
from benchmarks.measure import SMOKE, Effort, Row, Table, Target, Work, compared, in_turns
from benchmarks.printing import as_plain, as_text
from trialsim.compiled.library import NUMPY, computed_by
from trialsim.replicates.run import BATCH
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import single_trial
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.planning.scale_effects import theta_of_cells
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch


@pytest.fixture
def without_r(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)


@pytest.fixture
def few_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run programs here, and the one that measures memory once, with one worker."""

    def run(program: list[str], **_: Any) -> None:
        monkeypatch.setattr(sys, "argv", ["trialsim", *program[3:]])
        try:
            exec(program[2], {})
        except SystemExit as left:
            if left.code:
                raise

    monkeypatch.setattr(start, "subprocess", SimpleNamespace(run=run))
    monkeypatch.setattr(power, "WORKERS", 1)
    peak = cache(partial(power._peak, 2, 1, 208))
    monkeypatch.setattr(power, "_peak", lambda *_: peak())


@pytest.mark.usefixtures("without_r", "few_processes")
@pytest.mark.parametrize("part", PARTS)
def test_every_part_gives_a_table_of_numbers(part: str) -> None:
    """Oracle: a row was measured, or says why not; a median lies within its spread.

    Without R, its rows say so.
    """
    table = measured(part, SMOKE)
    if part == "peers":
        assert rscript.missing(rscript.MEDIANA)
        without = [f"{peer.package} not installed" for peer in rscript.PEERS]
        notes = [row.note for row in table.rows[-1 - len(without) :]]
        assert notes == [*without, "Mediana not installed"]
    assert len({row.what for row in table.rows}) == len(table.rows) > 0
    for row in table.rows:
        assert row.reached is None
        if "not installed" in row.note:
            assert row.ours is row.theirs is row.figure is None
            continue
        assert row.ours is not None
        assert math.isfinite(row.ours)
        assert row.ours >= 0
        if row.spread is not None:
            low, high = row.spread
            assert 0 < low <= (row.ours if row.figure is None else row.figure) <= high


def test_works_are_done_in_turns_and_the_first_round_is_not_counted() -> None:
    """Oracle: the order written down by the works themselves."""
    done: list[str] = []

    def work(name: str) -> Work:
        def seconds() -> float:
            done.append(name)
            return float(len(done))

        return Work(seconds, 12.0)

    rates = in_turns({"a": work("a"), "b": work("b")}, repeats=2)
    assert done == ["a", "b"] * 3
    assert rates["a"].tolist() == [12 / 3, 12 / 5]
    assert rates["b"].tolist() == [12 / 4, 12 / 6]


def test_a_ratio_is_the_median_over_rounds_and_not_the_ratio_of_medians() -> None:
    """Oracle: by hand, on a machine that grows slower."""
    row = compared("x", "trials/s", np.array([8.0, 4, 1]), np.array([4.0, 1, 2]))
    assert (row.ours, row.theirs, row.figure, row.spread) == (4.0, 2.0, 2.0, (0.5, 4.0))


@pytest.mark.parametrize(
    ("target", "ours", "figure", "reached"),
    [
        (Target("at least", 3), 9.0, 2.9, False),
        (Target("at most", 3), 9.0, 3.0, True),
        (Target("within", 3), 9.0, -3.1, False),
        (Target("at most", 0.5, "s"), 0.6, 0.1, False),
        (None, 9.0, 2.9, None),
        (Target("at least", 3), None, None, None),
    ],
)
def test_a_target_holds_the_figure_or_with_a_unit_our_own_value(
    target: Target | None, ours: float | None, figure: float | None, reached: bool | None
) -> None:
    """Oracle: by hand."""
    row = Row("x", "s", ours=ours, figure=figure, target=target)
    assert row.reached is reached
    assert row._replace(judged=False).reached is None


def test_a_missed_target_is_printed_as_missed() -> None:
    """Oracle: the words in the row."""
    missed = Row("slow", "s", 2.0, 1.0, 2.0, (1.5, 12345.6), Target("at most", 1), note="why")
    text = as_text("part", Table("a title", [missed, missed._replace(judged=False)]))
    _, heads, _, first, second = text.splitlines()
    assert " ".join(first.split()) == "slow s 2.00 1.00 2.00 1.50 to 12,346 at most 1.00 NO (why)"
    assert first.index("NO") == second.index("not judged") == heads.index("reached")


def test_the_floor_draws_exactly_what_the_trials_draw() -> None:
    """Oracle: the addresses that a run of the vector engine asks for, replicates included."""
    scenario = load("cars1")
    draws = draws_of(scenario, seed=3)
    asked: list[tuple[Any, ...]] = []
    plain = Streams.words

    def recorded(streams: Streams, purpose: str, units: int, draw: int = 0) -> Any:
        asked.append((streams.seed, streams.replicates, purpose, units, draw))
        return plain(streams, purpose, units, draw)

    with patch.object(Streams, "words", recorded), computed_by(NUMPY):
        trialsim.power(scenario, BATCH, seed=3, n_jobs=1)
        simulated = len(asked)
        draw_again(draws, 3, BATCH)
    assert simulated > 0
    assert asked[simulated:] == asked[:simulated]


def test_the_bare_loop_has_a_timeout_for_each_infusion_and_visit() -> None:
    """Oracle: counted in SimPy: an arrival, 21 infusions and 6 visits for each patient."""
    scenario = load("cars1").replace({"design.patients": 30})
    delays: list[float] = []

    def timeout(env: simpy.Environment, delay: float) -> simpy.Timeout:
        delays.append(delay)
        return simpy.Timeout(env, delay)

    with patch.object(simpy.Environment, "timeout", timeout):
        bare_loop(scenario, trials=2)
    assert len(delays) == 2 * 30 * (1 + 21 + 6)


def test_the_loop_with_chairs_asks_for_one_at_each_infusion() -> None:
    """Oracle: counted in SimPy."""
    scenario = load("cars1").replace({"design.patients": 30})
    asked: list[simpy.Resource] = []

    def request(room: simpy.Resource) -> Request:
        asked.append(room)
        return Request(room)

    with patch.object(simpy.Resource, "request", request):
        bare_loop(scenario, trials=1, chairs=1)
    assert len(asked) == 30 * 21
    assert {room.capacity for room in asked} == {1}


def test_the_design_for_peers_has_no_trouble_and_the_effect_that_is_told() -> None:
    """Oracle: every infusion given, every visit attended, both arms whole."""
    scenario = without_trouble()
    trial = simulate_batch(scenario, Streams(1, range(4)))
    assert trial.conduct.infusion_given.all()
    assert trial.conduct.visit_attended.all()
    assert (np.bincount(trial.arms[0]) == PATIENTS).all()
    assert not trial.cohort.fails.any()


def test_the_loop_in_r_has_the_power_of_the_same_design_from_counts() -> None:
    """R corrects for continuity; within four Monte Carlo standard errors of both."""
    peer, trials = rscript.PEERS[0], 400
    if rscript.missing(peer.package):
        pytest.skip("no R here")
    samples, (treated, control) = two_samples(), two_samples().means
    scores = {"treated": treated, "control": control, "sd": samples.sd, "high": samples.high}
    seconds, found = rscript.simulated(peer, trials, sum(PATIENTS), 2016, ALPHA, **scores)
    cells, generator = (samples.treated, samples.control), np.random.default_rng(1)
    power = count_power(*cells, PATIENTS, 40_000, generator, ALPHA, continuity=True).power
    error = 4 * float(power.mcse) * math.sqrt(1 + 40_000 / trials)
    assert seconds > 0
    assert abs(found - float(power.estimate)) < error


def test_a_peer_that_r_does_not_finish_says_why() -> None:
    peer = rscript.Peer("stats", "nothing", 1, "stop('no such {trials}')")
    if rscript.missing(peer.package):
        pytest.skip("no R here")
    row = peers._beside_r(peer, SMOKE)
    assert row.ours is None
    assert "no such 2" in row.note


def test_r_can_read_every_program() -> None:
    """Also those whose packages are not here, of which nothing is run."""
    if rscript.missing("stats"):
        pytest.skip("no R here")
    numbers = dict.fromkeys(("trials", "patients", "seed", "alpha", "sd", "high"), 2)
    programs = [peer.code.format(**numbers, treated=1, control=0) for peer in rscript.PEERS]
    unrun = "".join(f"if (FALSE) {{{program}}}\n" for program in programs)
    read = subprocess.run(["Rscript", "-e", unrun], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr


def test_peers_are_given_the_same_distribution_as_we_count() -> None:
    """Oracle: chi-square of drawn scores against the cells, at a fixed seed."""
    samples, generator = two_samples(), np.random.default_rng(1)
    assert theta_of_cells(samples.treated, samples.control).item() == pytest.approx(THETA)
    for arm, cells in enumerate((samples.treated, samples.control)):
        drawn = samples.draw(arm, generator, 50_000).astype(int)
        counts = np.bincount(drawn, minlength=len(cells))
        assert stats.chisquare(counts, cells / cells.sum() * len(drawn)).pvalue > 0.001


@pytest.mark.usefixtures("without_r")
def test_the_suite_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Oracle: the keys of a part's table and of the machine."""
    assert main(["agreement", "streams", "--smoke", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["machine", "effort", "parts", "seconds"]
    assert {"date", "processor", "cores", "Python", "NumPy", "SciPy"} <= set(told["machine"])
    assert list(told["parts"]) == ["streams", "agreement"]
    assert all(row["what"] for part in told["parts"].values() for row in part["rows"])


@pytest.mark.parametrize(
    ("asked", "run"), [([], TIMED), (["all"], PARTS), (["power", "engines"], TIMED[1:3])]
)
def test_parts_run_once_in_their_order(
    asked: list[str], run: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: the names of the parts that were called."""
    called: list[str] = []

    def stub(part: str, effort: Effort) -> Table:
        called.append(part)
        return Table("nothing", [])

    monkeypatch.setattr("benchmarks.__main__.measured", stub)
    assert main([*asked, "--short"]) == 0
    assert tuple(called) == run


def test_an_unknown_part_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Oracle: exit status 2 and every name in the message."""
    with pytest.raises(SystemExit, match="2"):
        main(["speeed"])
    message = capsys.readouterr().err
    assert all(name in message for name in NAMES)


def test_a_table_as_plain_values_keeps_the_verdict() -> None:
    """Oracle: by hand."""
    plain = as_plain(Table("x", [Row("a", "s", 1.0, target=Target("at most", 2, "s"))]))
    assert plain["rows"][0]["reached"] is True
    assert plain["rows"][0]["target"] == {"bound": "at most", "value": 2, "unit": "s"}


@pytest.mark.parametrize("module", [measure, printing])
def test_the_examples_of_the_suite_hold(module: Any) -> None:
    """Oracle: the docstrings."""
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_table_of_missing_scores_has_every_analysis_under_every_mechanism() -> None:
    """Oracle: the study's own analyses, and the page that holds the table of a long run."""
    found = missingness.biases(2)
    plan = single_trial(trialsim.load(missingness.SCENARIO)).analysis
    assert list(found) == list(missingness.MECHANISMS)
    assert all(list(one) == ["primary", *plan.secondary] for one in found.values())
    assert len({study.digest for study in missingness.studies().values()}) == len(found)
    page = (Path(__file__).parents[1] / "docs" / "estimands.md").read_text(encoding="utf-8")
    heads = [line.rsplit("|", len(found) + 1)[0] for line in missingness.table(found)]
    assert len(heads) == 2 + len(plan.secondary) + 1
    assert all(head in page for head in heads)

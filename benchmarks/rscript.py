"""R is a peer where it is on the machine; nothing depends on it."""

import shutil
import subprocess
from typing import Final, NamedTuple

MEDIANA: Final = "Mediana"

_MEDIANA: Final = """
suppressMessages(library(Mediana))
data <- DataModel() + OutcomeDist(outcome.dist = "PoissonDist") + SampleSize({patients}) +
  Sample(id = "control", outcome.par = parameters(parameters(lambda = {control}))) +
  Sample(id = "treated", outcome.par = parameters(parameters(lambda = {treated})))
plan <- AnalysisModel() +
  Test(id = "test", samples = samples("control", "treated"), method = "WilcoxTest")
power <- EvaluationModel() +
  Criterion(id = "power", method = "MarginalPower", tests = tests("test"), labels = "test",
            par = parameters(alpha = {alpha}))
time <- system.time(run <- CSE(data, plan, power,
  SimParameters(n.sims = {trials}, proc.load = 1, seed = {seed})))
cat(time[["elapsed"]], run$simulation.results$result)
"""

_WILCOX: Final = """
set.seed({seed})
draw <- function(mean) pmin(pmax(round(rnorm({patients} / 2, mean, {sd})), 0), {high})
time <- system.time(p <- replicate({trials},
  wilcox.test(draw({treated}), draw({control}), exact = FALSE)$p.value))
cat(sum(time[1:2]), mean(p <= {alpha}))
"""

_MEANS: Final = """
suppressMessages(library(rpact))
time <- system.time(run <- getSimulationMeans(
  getDesignGroupSequential(kMax = 1, alpha = {alpha} / 2),
  alternative = {treated} - {control}, stDev = {sd}, plannedSubjects = {patients},
  maxNumberOfIterations = {trials}, seed = {seed}))
cat(sum(time[1:2]), run$overallReject)
"""

_SURVIVAL: Final = """
suppressMessages(library(rpact))
time <- system.time(run <- getSimulationSurvival(
  getDesignGroupSequential(kMax = 1, alpha = {alpha} / 2), directionUpper = FALSE,
  plannedEvents = 150, lambda1 = 0.02, lambda2 = 0.03, maxNumberOfSubjects = {patients},
  accrualTime = c(0, 12), maxNumberOfIterations = {trials}, seed = {seed}))
cat(sum(time[1:2]), run$overallReject)
"""

_SIMTRIAL: Final = """
suppressMessages(library(simtrial))
set.seed({seed})
rates <- data.frame(stratum = "All", duration = 100, fail_rate = 0.03, hr = 2 / 3,
                    dropout_rate = 0.001)
time <- system.time(run <- suppressMessages(sim_fixed_n(
  n_sim = {trials}, sample_size = {patients}, target_event = 150, fail_rate = rates,
  enroll_rate = data.frame(duration = 12, rate = {patients} / 12), timing_type = 2)))
cat(sum(time[1:2]), mean(abs(run$z) >= qnorm(1 - {alpha} / 2)))
"""

_TRIAL_SIMULATOR: Final = """
suppressMessages(library(TrialSimulator))
of <- function(name, mean) {{
  one <- arm(name = name)
  one$add_endpoints(endpoint(name = "score", type = "non-tte", readout = c(score = 3),
                             generator = rnorm, mean = mean, sd = {sd}))
  one
}}
whole <- trial(name = "trial", n_patients = {patients}, duration = 30, seed = {seed},
  enroller = StaggeredRecruiter, silent = TRUE, dropout = rexp, rate = 0.005,
  accrual_rate = data.frame(end_time = Inf, piecewise_rate = {patients} / 12))
whole$add_arms(sample_ratio = c(1, 1), of("control", {control}), of("treated", {treated}))
tested <- function(trial) trial$save(name = "p",
  value = wilcox.test(score ~ arm, trial$get_locked_data("final"), exact = FALSE)$p.value)
listener <- listener()
listener$add_milestones(milestone(name = "final", when = calendarTime(time = 20), action = tested))
runs <- controller(whole, listener)
time <- system.time(runs$run(n = {trials}, plot_event = FALSE, silent = TRUE))
cat("", sum(time[1:2]), mean(runs$get_output()$p <= {alpha}))
"""


class Peer(NamedTuple):
    """A program of R that simulates trials and prints its seconds, of the processor, and power."""

    package: str
    what: str
    """How the package simulates them."""
    trials: int
    """In a full run."""
    code: str


PEERS: Final = (
    Peer("stats", "a loop of R's wilcox.test of two samples", 1000, _WILCOX),
    Peer("rpact", "rpact getSimulationMeans, one z a trial", 50_000, _MEANS),
    Peer("rpact", "rpact getSimulationSurvival, 2 times a patient", 10_000, _SURVIVAL),
    Peer("simtrial", "simtrial sim_fixed_n, 2 times a patient", 50, _SIMTRIAL),
    Peer("TrialSimulator", "TrialSimulator, arrival, score and wilcox.test", 30, _TRIAL_SIMULATOR),
)
"""Those beside whom whole trials are set, in order of what they simulate of each."""


class FailedInRError(Exception):
    """What R said last of a program that it did not finish."""


def missing(package: str) -> bool:
    """Return whether R or the package is not on the machine."""
    program = shutil.which("Rscript")
    if program is None:
        return True
    code = f'quit(status = !requireNamespace("{package}", quietly = TRUE))'
    return subprocess.run([program, "-e", code], capture_output=True).returncode != 0


def mediana(
    trials: int, patients: int, treated: float, control: float, alpha: float, seed: int
) -> tuple[float, float]:
    """Return the seconds that R took for Wilcoxon tests of Poisson counts, and their power.

    The test is one-sided, with continuity correction; `patients` are those of each arm.
    """
    return _run(
        _MEDIANA.format(
            trials=trials,
            patients=patients,
            treated=treated,
            control=control,
            alpha=alpha,
            seed=seed,
        )
    )


def simulated(
    peer: Peer, trials: int, patients: int, seed: int, alpha: float, **scores: float
) -> tuple[float, float]:
    """Return the seconds that a peer took for trials of two equal arms, and their power.

    Parameters
    ----------
    patients
        Those of both arms.
    alpha
        Two-sided.
    **scores
        The means `treated` and `control` of normal scores, their `sd`, and the `high`est.

    Raises
    ------
    FailedInRError
        If R does not finish.
    """
    numbers = {"trials": trials, "patients": patients, "seed": seed, "alpha": alpha, **scores}
    return _run(peer.code.format(**numbers))


def _run(code: str) -> tuple[float, float]:
    """Run R code that ends with two numbers on the last line."""
    ran = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if ran.returncode:
        said = ran.stderr.removesuffix("Execution halted\n").strip()
        raise FailedInRError(said.rpartition("\n")[2])
    seconds, power = ran.stdout.split()[-2:]
    return float(seconds), float(power)

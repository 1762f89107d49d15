"""R is a peer where it is on the machine; nothing depends on it."""

import shutil
import subprocess
from typing import Final

MEDIANA: Final = "Mediana"
RPACT: Final = "rpact"

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

_RPACT: Final = """
suppressMessages(library(rpact))
time <- system.time(run <- getSimulationSurvival(
  getDesignGroupSequential(kMax = 1, alpha = {alpha}), directionUpper = FALSE,
  plannedEvents = 150, lambda1 = 0.02, lambda2 = 0.03, maxNumberOfSubjects = {patients},
  accrualTime = c(0, 12), maxNumberOfIterations = {trials}, seed = {seed}))
cat(time[["elapsed"]], run$overallReject)
"""


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


def rpact(trials: int, patients: int, alpha: float, seed: int) -> tuple[float, float]:
    """Return the seconds that R took for survival trials patient by patient, and their power."""
    return _run(_RPACT.format(trials=trials, patients=patients, alpha=alpha, seed=seed))


def _run(code: str) -> tuple[float, float]:
    """Run R code that ends with two numbers on the last line."""
    ran = subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True)
    seconds, power = ran.stdout.split()[-2:]
    return float(seconds), float(power)

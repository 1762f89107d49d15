"""Patient-level simulation of randomised trials with bounded rank outcomes.

>>> import trialsim as ts
>>> trial = ts.simulate(ts.load("cars1"), seed=2016)
>>> result = ts.analyse(trial)
>>> 0.5 < result.estimate < 1
True

Everything simulated is simulated: no result is evidence about any drug.
"""

from trialsim.analysis.analyse import Analysis, analyse
from trialsim.errors import InputError, Problem, RecruitmentError, RunError, TrialsimError
from trialsim.power.assurance import Assurance, assurance
from trialsim.power.calibrate import CalibrationResult, calibrate
from trialsim.power.count_path import CountPower, count_power_of, endpoint_cells
from trialsim.power.power import PowerResult, power
from trialsim.power.prior import Prior
from trialsim.power.prior_files import load_prior
from trialsim.power.reproduce import Reproduction, reproduce
from trialsim.power.same_patients import Comparison, compare
from trialsim.power.sample_size import SampleSize, sample_size
from trialsim.power.what_if import WhatIf, what_if
from trialsim.scenario.files import builtin_scenarios
from trialsim.scenario.programme import Programme
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.studies import load_study as load
from trialsim.simulated import SimulatedTrial, simulate

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "Assurance",
    "CalibrationResult",
    "Comparison",
    "CountPower",
    "InputError",
    "PowerResult",
    "Prior",
    "Problem",
    "Programme",
    "RecruitmentError",
    "Reproduction",
    "RunError",
    "SampleSize",
    "Scenario",
    "SimulatedTrial",
    "TrialsimError",
    "WhatIf",
    "analyse",
    "assurance",
    "builtin_scenarios",
    "calibrate",
    "compare",
    "count_power_of",
    "endpoint_cells",
    "load",
    "load_prior",
    "power",
    "reproduce",
    "sample_size",
    "simulate",
    "what_if",
]

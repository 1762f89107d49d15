"""The names that the package gives its users, loaded with the first of them."""

from trialsim.analysis.analyse import Analysis, analyse
from trialsim.errors import (
    InputError,
    Problem,
    RecruitmentError,
    RunError,
    StoppedError,
    TrialsimError,
)
from trialsim.own.analyses import AnalysisData, Estimates, own_analysis
from trialsim.own.courses import CourseData, own_course
from trialsim.questions.assurance.assurance import Assurance, assurance
from trialsim.questions.assurance.prior import Prior
from trialsim.questions.assurance.prior_files import load_prior
from trialsim.questions.calibration.calibrate import CalibrationResult, calibrate
from trialsim.questions.calibration.reproduce import Reproduction, reproduce
from trialsim.questions.compare import Comparison, compare
from trialsim.questions.count_power import CountPower, count_power_of, endpoint_cells
from trialsim.questions.estimands.estimands import estimands
from trialsim.questions.estimands.missingness import Missingness, missingness
from trialsim.questions.estimands.result import Estimands
from trialsim.questions.family_wise_error import FamilyWiseErrors, family_wise_errors
from trialsim.questions.monitoring.board import Board, board
from trialsim.questions.monitoring.bounds import BoundsResult, bounds
from trialsim.questions.nuisance import Nuisance, nuisance
from trialsim.questions.power import power
from trialsim.questions.programmes.disagreement import Disagreement, disagreement
from trialsim.questions.sensitivity import sensitivity
from trialsim.questions.size.sample_size import SampleSize, sample_size
from trialsim.questions.tipping_point import TippingPoint, tipping_point
from trialsim.questions.type_one_error import TypeOneError, type_one_error
from trialsim.questions.what_if.what_if import WhatIf, what_if
from trialsim.replicates.result import PowerResult
from trialsim.reporting.kept_runs import open_run, report
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.schema import schema
from trialsim.scenario.files.studies import load_study as load
from trialsim.scenario.programme import Programme
from trialsim.scenario.scenario import Scenario
from trialsim.shown import plot
from trialsim.simulated import SimulatedTrial, simulate

__all__ = [
    "Analysis",
    "AnalysisData",
    "Assurance",
    "Board",
    "BoundsResult",
    "CalibrationResult",
    "Comparison",
    "CountPower",
    "CourseData",
    "Disagreement",
    "Estimands",
    "Estimates",
    "FamilyWiseErrors",
    "InputError",
    "Missingness",
    "Nuisance",
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
    "StoppedError",
    "TippingPoint",
    "TrialsimError",
    "TypeOneError",
    "WhatIf",
    "analyse",
    "assurance",
    "board",
    "bounds",
    "builtin_scenarios",
    "calibrate",
    "compare",
    "count_power_of",
    "disagreement",
    "endpoint_cells",
    "estimands",
    "family_wise_errors",
    "load",
    "load_prior",
    "missingness",
    "nuisance",
    "open_run",
    "own_analysis",
    "own_course",
    "plot",
    "power",
    "report",
    "reproduce",
    "sample_size",
    "schema",
    "sensitivity",
    "simulate",
    "tipping_point",
    "type_one_error",
    "what_if",
]

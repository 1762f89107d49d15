"""What the looks of a study need of its design, its calendar and its primary analysis."""

from collections.abc import Iterator, Mapping

from trialsim.scenario.monitoring.futility import BetaSpending
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.validation.refusal import Rules, Violation, until_missing


def _looks_before_the_end(
    design: Design, operations: Operations, analysis: AnalysisPlan, monitoring: Monitoring | None
) -> Iterator[Violation]:
    if monitoring is None:
        return
    visit = design.visits.get(analysis.visit)
    days = 0.0 if visit is None else visit.day + visit.window_days
    latest = operations.recruitment_limit_days + days
    looks: Mapping[str, Look | None] = monitoring.looks
    for name, look in looks.items():
        if look is not None and look.keeps_its_rules:
            for refusal in until_missing(_before_the_end(look, design.patients, latest)):
                yield refusal._replace(path=f"monitoring.looks.{name}.when.{refusal.path}")


def _before_the_end(look: Look, patients: int, latest: float) -> Iterator[Violation]:
    kind, value = look.when.kind, look.when.value
    if kind == "known_patients" and value >= patients:
        rule = f"must be below the {patients} patients of the design: then it is the last analysis"
        yield Violation(kind, rule, value)
    elif kind == "known" and value * patients > patients - 1:
        rule = "must leave a patient for the last analysis"
        yield Violation(kind, rule, value)
    elif kind in ("day", "days_after_first_patient") and value >= latest:
        rule = f"must be before day {latest:g}, when the last endpoint is known at the latest"
        yield Violation(kind, rule, value)


def _sizes_fit(design: Design, monitoring: Monitoring | None) -> Iterator[Violation]:
    sizes = None if monitoring is None else monitoring.re_estimation
    if sizes is None:
        return
    patients = design.patients
    if not sizes.at_least <= patients <= sizes.at_most:
        rule = f"must enclose the {patients} patients of the design with at_least"
        yield Violation("monitoring.re_estimation.at_most", rule, sizes.at_most)
    if sizes.unblinded and sizes.at_least < patients:
        rule = f"must be at least the {patients} patients of the design with {sizes.by}"
        yield Violation("monitoring.re_estimation.at_least", rule, sizes.at_least)


def _test_can_be_monitored(
    analysis: AnalysisPlan, monitoring: Monitoring | None
) -> Iterator[Violation]:
    if monitoring is None:
        return
    method = analysis.test.method
    if not analysis.test.can_be_monitored:
        rule = f"must be left out with {method}: it has no statistic whose variance is known"
        yield Violation("monitoring", rule, method)
    if analysis.missing == "multiple_imputation":
        rule = "must be left out where scores are imputed: earlier data would change with later"
        yield Violation("monitoring", rule, analysis.missing)
    if analysis.continuity_correction:
        rule = "must be left out with a continuity correction, whose share falls with information"
        yield Violation("monitoring", rule, True)
    if analysis.alternative == "less":
        rule = "needs a test in favour of the treated: set analysis.alternative to greater"
        yield Violation("monitoring", rule, analysis.alternative)
    if analysis.effect == "win_ratio":
        rule = "must be left out where the effect is the win ratio, of which no test is planned"
        yield Violation("monitoring", rule, analysis.effect)


def _sides_fit(analysis: AnalysisPlan, monitoring: Monitoring | None) -> Iterator[Violation]:
    if monitoring is None or monitoring.futility is None or analysis.alternative != "two-sided":
        return
    rule = "needs a one-sided test: set analysis.alternative to greater, and alpha to half"
    if isinstance(monitoring.futility, BetaSpending):
        yield Violation("monitoring.futility.scale", rule, monitoring.futility.scale)
    elif monitoring.futility.binding:
        yield Violation("monitoring.futility.binding", rule, True)


def _information_is_reckoned(
    analysis: AnalysisPlan, monitoring: Monitoring | None
) -> Iterator[Violation]:
    """Refuse a plan that needs the information of the end, where nothing says what it is."""
    if monitoring is None or monitoring.planned_standard_error is not None:
        return
    if analysis.test.reckons_information:
        return
    if monitoring.planned_effect is not None:
        rule = f"must be given with planned_effect and {analysis.test.method}"
        yield Violation("monitoring.planned_standard_error", rule, None)


def _blinded_size_is_known(
    analysis: AnalysisPlan, monitoring: Monitoring | None
) -> Iterator[Violation]:
    if monitoring is None or monitoring.re_estimation is None:
        return
    if monitoring.re_estimation.by == "blinded" and not analysis.test.has_blinded_size:
        rule = f"must not be blinded with {analysis.test.method}, of which no such size is known"
        yield Violation("monitoring.re_estimation.by", rule, "blinded")


MONITORING_COHERENCE: Rules = (
    (("design", "operations", "analysis", "monitoring"), _looks_before_the_end),
    (("design", "monitoring"), _sizes_fit),
    (("analysis", "monitoring"), _test_can_be_monitored),
    (("analysis", "monitoring"), _sides_fit),
    (("analysis", "monitoring"), _information_is_reckoned),
    (("analysis", "monitoring"), _blinded_size_is_known),
)
"""Rules between the looks and the rest of the study."""

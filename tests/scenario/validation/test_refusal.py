"""A rule between the fields of a part is held to those that its parameters name."""

from collections.abc import Iterator
from inspect import signature

from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.registry import METHODS
from trialsim.scenario.programme import Programme
from trialsim.scenario.validation.refusal import CheckedModel, Rules


def parts(above: type[CheckedModel] = CheckedModel) -> Iterator[type[CheckedModel]]:
    for part in above.__subclasses__():
        yield part
        yield from parts(part)


def test_every_rule_needs_fields_that_its_part_has() -> None:
    """A parameter of another name would silence its rule."""
    assert Programme in parts()
    held: list[tuple[type[CheckedModel], Rules]] = [(part, part.rules) for part in set(parts())]
    held += [(AnalysisPlan, method.conflicts) for method in METHODS]
    assert sum(len(rules) for _, rules in held) > 200
    for part, rules in held:
        for rule in rules:
            needed = signature(rule).parameters.keys() - {"fields"}
            assert needed <= part.model_fields.keys(), (part, rule)

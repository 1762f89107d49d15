"""What of a study can be changed on the page: a few of its numbers, as their models describe them.

Labels, descriptions and bounds are those of the models' own JSON Schema; what a number may be is
decided by the study as a whole, when it is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10
from typing import Any, Final, NamedTuple

from trialsim.app.limits import whole
from trialsim.distributions import FrozenModel
from trialsim.scenario.programme import SIZE, Programme, Study, effect_paths, value_at
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.problems import schema_of
from trialsim.scenario.words.labels import in_words, label_of, spoken

PATIENTS: Final = "design.patients"
SITES: Final = "operations.sites"
LOOKS: Final = "monitoring"
MOST_SITES: Final = 200
"""Of a study whose sites are counted here; a file may have more."""
MOST_LOOKS: Final = 5
_DROP_OUT: Final = (
    "operations.withdrawal.probability",
    "operations.discontinuation.probability",
    "operations.visit_missed_probability",
)
_RECRUITMENT: Final = "operations.candidates_per_site_per_month"
_BLOCK: Final = "design.block_size"


class Field(NamedTuple):
    """A number of a study, and what the page shows of it."""

    path: str
    label: str
    description: str
    value: float
    low: float | None
    """The least that its model allows; None if that has no end."""
    high: float | None
    is_whole: bool
    ends: tuple[float, float]
    """Those of its slider, within the bounds and around the value."""

    step: float
    """By how much the slider moves, about a hundredth of it; its ends are multiples of this."""

    @property
    def is_simple(self) -> bool:
        """Whether the number itself stands at the path, not something that follows from it."""
        return self.path not in (SITES, LOOKS)


class Group(NamedTuple):
    """Fields under a heading."""

    title: str
    fields: tuple[Field, ...]


def groups_of(study: Study) -> Iterator[Group]:
    """Yield what can be changed in a study, under its headings.

    >>> import trialsim as ts
    >>> [group.title for group in groups_of(ts.load("cars1"))]
    ['Patients and effect', 'Drop-out', 'Sites', 'Allocation', 'Looks']
    """
    if isinstance(study, Programme):
        effects = [f"{path}.value" for path in effect_paths(study)]
        labels = {path: f"Effect in {spoken(path.split('.')[1])}" for path in effects}
        yield Group("Size and effects", tuple(_fields(study, [SIZE, *effects], labels)))
        return
    (effect,) = effect_paths(study)
    yield Group("Patients and effect", tuple(_fields(study, [PATIENTS, f"{effect}.value"])))
    yield Group("Drop-out", tuple(_fields(study, _DROP_OUT)))
    yield Group("Sites", (_sites(study), *_fields(study, [_RECRUITMENT])))
    arms = study.design.arms.items()
    ratios = {f"design.arms.{name}.ratio": f"Ratio, {arm.label}" for name, arm in arms}
    blocks = [_BLOCK] if study.design.randomisation is None else []
    yield Group("Allocation", tuple(_fields(study, [*ratios, *blocks], ratios)))
    moments = _moments(study)
    yield Group("Looks", (_looks(study), *_fields(study, [*moments], moments)))


def changes_of(study: Study, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to replace in a study for the values of its fields, by path.

    Of what has the value of the study already there is nothing.
    """
    changes: dict[str, Any] = {}
    for group in groups_of(study):
        for field in group.fields:
            value = values.get(field.path, field.value)
            if value == field.value:
                continue
            match field.path, study:
                case ("operations.sites", Scenario()):
                    changes[SITES] = _with_sites(study, value)
                case ("monitoring", Scenario()):
                    changes[LOOKS] = _with_looks(value)
                case _:
                    changes[field.path] = value
    if LOOKS in changes:
        changes = {path: one for path, one in changes.items() if not path.startswith(f"{LOOKS}.")}
    return changes


def _fields(
    study: Study, paths: Sequence[str], labels: Mapping[str, str] | None = None
) -> Iterator[Field]:
    for path in paths:
        value = value_at(study, path)
        if isinstance(value, int | float):
            label = (labels or {}).get(path) or label_of(path, study)
            schema = _schema_at(study, path)
            low, high = _bounds(schema)
            is_whole = schema.get("type") == "integer"
            slider = _slider(value, low, high, is_whole)
            if path.endswith(".effect.value") and _is_theta(study, path):
                slider = (min(0.4, value), max(0.9, value)), 0.01
            told = schema.get("description", "")
            yield Field(path, label, told, value, low, high, is_whole, *slider)


def _is_theta(study: Study, path: str) -> bool:
    """Return whether an effect is a Mann-Whitney effect, which lies between 0 and 1."""
    return bool(value_at(study, path.replace(".effect.value", ".effect.anchor")) == "theta")


def _schema_at(study: Study, path: str) -> Mapping[str, Any]:
    """Return the JSON Schema of a field, by the model that holds it."""
    *above, name = path.split(".")
    part: Any = study
    for key in above:
        part = part[key] if isinstance(part, Mapping) else getattr(part, key)
    assert isinstance(part, FrozenModel)
    field: dict[str, Any] = schema_of(type(part))["properties"][name]
    ways: list[dict[str, Any]] = field.get("anyOf", [])
    return {**field, **next((one for one in ways if one.get("type") != "null"), {})}


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the least and the greatest value; an open end counts as a closed one."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    return low, schema.get("maximum", schema.get("exclusiveMaximum"))


def _slider(
    value: float, low: float | None, high: float | None, is_whole: bool
) -> tuple[tuple[float, float], float]:
    """Return where a slider around a value ends, within bounds, and its steps.

    >>> _slider(208, 2, 1_000_000, True), _slider(0.038, 0, 1, False)
    (((70.0, 620.0), 10.0), ((0.0, 0.2), 0.002))
    """
    if low == 0 and high == 1:
        ends = 0.0, min(1.0, max(0.2, 3 * value))
    elif is_whole:
        ends = value // 3, max(3 * value, 10)
    else:
        ends = (0.0, 2 * value) if value > 0 else (value - 1.0, abs(value) + 1.0)
    least = ends[0] if low is None else max(ends[0], low)
    most = ends[1] if high is None else min(ends[1], high)
    step = _step(most - least, is_whole)
    return (round(ceil(least / step) * step, 9), round(floor(most / step) * step, 9)), step


def _step(width: float, is_whole: bool) -> float:
    """Return the roundest number near a hundredth of a width: 1, 2 or 5 times a power of ten."""
    finest = width / 100
    power = 10.0 ** floor(log10(finest))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= finest * 0.999)
    return max(1.0, step) if is_whole else step


def _sites(study: Scenario) -> Field:
    count = len(study.operations.sites)
    told = (
        "How many sites recruit. Of fewer, the last in the file are left out; more open one after "
        "another behind them, at their mean distance in days."
    )
    most = max(MOST_SITES, count)
    ends = 1.0, float(min(most, 3 * count + 5))
    return Field(SITES, "Sites", told, count, 1, most, True, ends, 1.0)


def _with_sites(study: Scenario, wanted: Any) -> dict[str, Any]:
    """Return so many sites, each as a file would have it."""
    sites = {name: site.model_dump() for name, site in study.operations.sites.items()}
    count = whole(wanted, SITES, 1, max(MOST_SITES, len(sites)))
    kept = dict(list(sites.items())[:count])
    days = [site["activation_day"] for site in sites.values()]
    apart = (max(days) - min(days)) / max(len(days) - 1, 1)
    for place in range(1, count - len(kept) + 1):
        kept[f"further_site_{place}"] = {"activation_day": max(days) + place * apart}
    return kept


def _looks(study: Scenario) -> Field:
    planned = 0 if study.monitoring is None else len(study.monitoring.looks)
    told = (
        "How many looks there are before the end. Another number than the study's gives as many, "
        "at equal shares of the patients whose endpoint is known, with O'Brien-Fleming spending "
        "and no rule for futility."
    )
    most = max(MOST_LOOKS, planned)
    ends = 0.0, float(most)
    return Field(LOOKS, "Number of looks", told, planned, 0, most, True, ends, 1.0)


def _with_looks(wanted: Any) -> dict[str, Any] | None:
    """Return a plan of so many looks, None for no look."""
    number = whole(wanted, LOOKS, 0, MOST_LOOKS)
    if number == 0:
        return None
    shares = {f"look_{one}": round(one / (number + 1), 4) for one in range(1, number + 1)}
    looks = {name: {"when": {"known": share}} for name, share in shares.items()}
    return {"looks": looks, "efficacy": "obrien_fleming"}


def _moments(study: Scenario) -> dict[str, str]:
    """Return the path of the moment of each look that the study plans, and its label."""
    looks = {} if study.monitoring is None else study.monitoring.looks
    return {
        f"{LOOKS}.looks.{name}.when.{look.when.kind}": f"{spoken(name)}, {in_words(look.when.kind)}"
        for name, look in looks.items()
    }

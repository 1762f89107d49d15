"""The methods that a study file can name, in one union.

One without choices is written by its name alone, `test: welch`; so is any whose choices are all
left at their defaults. Otherwise it is a mapping: `test: {method: responders, threshold: 40}`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trialsim.scenario.plan.methods.adjusted_rank import AdjustedRank
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.scenario.plan.methods.mann_whitney import ExactMannWhitney, MannWhitney
from trialsim.scenario.plan.methods.means import Ancova, TTest, Welch
from trialsim.scenario.plan.methods.mmrm import Mmrm
from trialsim.scenario.plan.methods.permutation import Permutation, ReRandomisation
from trialsim.scenario.plan.methods.proportional_odds import (
    ProportionalOdds,
    StandardisedMannWhitney,
)
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin
from trialsim.scenario.plan.methods.subgroups.interaction import Interaction
from trialsim.scenario.plan.methods.time_to_event.log_rank import LogRank
from trialsim.scenario.plan.methods.time_to_event.restricted_mean import RestrictedMean
from trialsim.scenario.plan.methods.weighted import WeightedMannWhitney, WeightedMeans
from trialsim.scenario.plan.methods.win_statistic import WinStatistic
from trialsim.scenario.plan.own_method import Own

AnyMethod: TypeAlias = (
    MannWhitney
    | ExactMannWhitney
    | Permutation
    | ReRandomisation
    | BrunnerMunzel
    | AdjustedRank
    | WeiLachin
    | OBrien
    | WinStatistic
    | TTest
    | Welch
    | Ancova
    | Mmrm
    | WeightedMannWhitney
    | WeightedMeans
    | Responders
    | ProportionalOdds
    | StandardisedMannWhitney
    | LogRank
    | RestrictedMean
    | Interaction
    | McpMod
    | Own
)
METHODS: Final[tuple[type[AnalysisMethod], ...]] = get_args(AnyMethod)


def name_of(method: type[AnalysisMethod]) -> str:
    """Return the name by which a study file chooses a method.

    >>> name_of(Welch)
    'welch'
    """
    (name,) = get_args(method.model_fields["method"].annotation)
    return str(name)


_NAMED: Final = {name_of(one): one for one in METHODS}


def _from_its_name(written: Any) -> Any:
    return {"method": written} if isinstance(written, str) else written


def as_short(written: Any) -> Any:
    """Return a method as written without what it has anyway, its name if nothing else is left.

    What is no method stays as it is.

    >>> as_short({"method": "ancova", "slopes": "common", "covariates": []})
    'ancova'
    """
    if not isinstance(written, Mapping):
        return written
    method = _NAMED.get(str(written.get("method")))
    if method is None:
        return written
    usual = {name: method.model_fields[name].default for name in method.omitted_defaults}
    said = {
        name: value
        for name, value in written.items()
        if name not in usual or (tuple(value) if isinstance(value, list) else value) != usual[name]
    }
    return said if len(said) > 1 else said["method"]


_Mapping = Annotated[AnyMethod, Field(discriminator="method")]
_Name = Annotated[str, WithJsonSchema({"type": "string", "enum": [*_NAMED]})]

Method = Annotated[
    _Mapping,
    BeforeValidator(_from_its_name, json_schema_input_type=_Name | _Mapping),
    PlainSerializer(lambda method: as_short(method.model_dump())),
]
"""A method as a scenario writes it: a name, or a mapping that says `method`."""

"""Each analysis as Analysis Results Metadata 1.0: display, result, records, reason, program."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from trialsim.reporting.cdisc.files.analyses import Analysed
from trialsim.reporting.cdisc.files.dataset_json import group_oid, item_oid
from trialsim.reporting.cdisc.files.elements import GUIDE, described, where_clause
from trialsim.reporting.cdisc.files.program import program
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source

_REASON: Final = "SPECIFIED IN SAP"
_PURPOSES: Final = ("PRIMARY OUTCOME MEASURE", "SECONDARY OUTCOME MEASURE")


def result_clauses(results: Sequence[Analysed], datasets: Sequence[Dataset]) -> Iterator[Any]:
    """Yield which records of its dataset each analysis is of."""
    named = {dataset.name: dataset for dataset in datasets}
    for one in results:
        yield where_clause(_clause(one), named[one.dataset], one.where)


def result_displays(
    source: Source, results: Sequence[Analysed], datasets: Sequence[Dataset]
) -> Any:
    """Return a display for each analysis, with its one result."""
    import odmlib.arm_1_0.model as define

    displays = define.AnalysisResultDisplays()
    for one in results:
        display = define.ResultDisplay(OID=f"RD.{one.flag[:5]}", Name=f"{one.flag}: {one.title}")
        display.Description = described(f"{one.title.capitalize()} analysis, {one.flag}")
        display.DocumentRef = [define.DocumentRef(leafID=GUIDE)]
        display.AnalysisResult = [_result(source, one, datasets)]
        displays.ResultDisplay.append(display)
    return displays


def _clause(one: Analysed) -> str:
    return f"WC.{one.flag[:5]}"


def _result(source: Source, one: Analysed, datasets: Sequence[Dataset]) -> Any:
    import odmlib.arm_1_0.model as define

    named = {dataset.name: dataset for dataset in datasets}
    primary, plan = source.study.analysis, one.plan
    same = (plan.endpoint, plan.visit) == (primary.endpoint, primary.visit)
    result = define.AnalysisResult(
        OID=f"AR.{one.flag[:5]}",
        ParameterOID=f"IT.{one.dataset}.PARAMCD",
        AnalysisReason=_REASON,
        AnalysisPurpose=_PURPOSES[0 if same else 1],
    )
    outcome = source.study.outcomes[plan.endpoint].label
    visit = plan.visit.replace("_", " ")
    result.Description = described(f"{one.found.quantity} of {outcome} at {visit}")
    result.AnalysisDatasets = define.AnalysisDatasets()
    result.AnalysisDatasets.AnalysisDataset = [
        _dataset(one, named[name], names) for name, names in one.variables.items()
    ]
    result.Documentation = define.Documentation()
    result.Documentation.Description = described("\n".join(one.lines))
    context, text = program(source, one)
    result.ProgrammingCode = define.ProgrammingCode(Context=context)
    result.ProgrammingCode.Code = define.Code(_content=text)
    return result


def _dataset(one: Analysed, dataset: Dataset, names: Sequence[str]) -> Any:
    """Return what an analysis reads of a dataset: its records, of ADSL every subject."""
    import odmlib.arm_1_0.model as define

    found = define.AnalysisDataset(ItemGroupOID=group_oid(dataset))
    if dataset.name == one.dataset:
        found.WhereClauseRef = define.WhereClauseRef(WhereClauseOID=_clause(one))
    items = {variable.name: variable for variable in dataset.variables}
    found.AnalysisVariable = [
        define.AnalysisVariable(ItemOID=item_oid(dataset, items[name])) for name in names
    ]
    return found

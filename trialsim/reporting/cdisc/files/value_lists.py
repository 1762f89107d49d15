"""What a variable is by test or parameter: the value-level metadata of Define-XML."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialsim.reporting.cdisc.files.elements import item_definition, place_of, where_clause
from trialsim.reporting.cdisc.metadata import CodeList, Dataset, Variable


def list_oid(one: Dataset, variable: Variable) -> str | None:
    """Return the identifier of the list of a variable's parts; None of one that has none."""
    parts = any(part.variable.name == variable.name for part in one.parts)
    return f"VL.{place_of(one, variable)}" if parts else None


def value_lists(one: Dataset) -> Iterator[Any]:
    """Yield a list for each variable of a dataset that differs by test or parameter."""
    import odmlib.arm_1_0.model as define

    for variable in one.variables:
        oid = list_oid(one, variable)
        if oid is None:
            continue
        found = define.ValueListDef(OID=oid)
        parts = [part for part in one.parts if part.variable.name == variable.name]
        for place, part in enumerate(parts, 1):
            described = place_of(one, part.variable, part)
            reference = define.ItemRef(ItemOID=f"IT.{described}", OrderNumber=place, Mandatory="No")
            if part.variable.origin == "Derived":
                reference.MethodOID = f"MT.{described}"
            reference.WhereClauseRef = [
                define.WhereClauseRef(WhereClauseOID=f"WC.{one.name}.{part.value}")
            ]
            found.ItemRef.append(reference)
        yield found


def where_clauses(one: Dataset) -> Iterator[Any]:
    """Yield the condition of each test or parameter, once."""
    for by, value in dict.fromkeys((part.by, part.value) for part in one.parts):
        yield where_clause(f"WC.{one.name}.{value}", one, {by: (value,)})


def value_items(datasets: Sequence[Dataset], lists: Mapping[str, CodeList]) -> Iterator[Any]:
    """Yield the definition of each part of a variable."""
    for one in datasets:
        for part in one.parts:
            yield item_definition(one, part.variable, lists, part)

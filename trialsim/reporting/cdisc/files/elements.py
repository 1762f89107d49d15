"""Elements of Define-XML that more than one of its parts is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.reporting.cdisc.files.dataset_json import item_oid
from trialsim.reporting.cdisc.metadata import CodeList, Dataset, Part, Variable

GUIDE = "LF.GUIDE"
"""The identifier of the reviewer's guide."""
_TYPES = {"sas_date": "integer", "sas_datetime": "integer"}


def described(text: str) -> Any:
    """Return a description in English."""
    import odmlib.arm_1_0.model as define

    found = define.Description()
    found.TranslatedText = [define.TranslatedText(_content=text, lang="en")]
    return found


def place_of(one: Dataset, variable: Variable, part: Part | None = None) -> str:
    """Return what the identifiers of a variable end in, or those of a part of it."""
    return f"{one.name}.{variable.name}" + ("" if part is None else f".{part.value}")


def item_definition(
    one: Dataset, variable: Variable, lists: Mapping[str, CodeList], part: Part | None = None
) -> Any:
    """Return the definition of a variable, or of a part of its values."""
    import odmlib.arm_1_0.model as define

    item = define.ItemDef(
        OID=f"IT.{place_of(one, variable, part)}",
        Name=variable.name,
        DataType=_TYPES.get(variable.kind, variable.kind),
        SASFieldName=variable.name,
    )
    if variable.kind != "datetime":
        item.Length = one.length(variable, part)
    if variable.kind == "float":
        item.SignificantDigits = one.digits(variable, part)
    if variable.sas_format is not None:
        item.DisplayFormat = variable.sas_format
    if variable.comment and variable.origin != "Derived":
        item.CommentOID = f"COM.{place_of(one, variable, part)}"
    item.Description = described(variable.label)
    if variable.codes is not None and variable.codes.terms:
        oid = next(oid for oid, codes in lists.items() if codes == variable.codes)
        item.CodeListRef = define.CodeListRef(CodeListOID=oid)
    item.Origin = [_origin(variable)]
    return item


def _origin(variable: Variable) -> Any:
    """Return where values are from; a predecessor names the variable that it is copied from."""
    import odmlib.arm_1_0.model as define

    if variable.origin == "Predecessor":
        origin = define.Origin(Type=variable.origin)
        origin.Description = described(variable.copied)
        return origin
    source = "Investigator" if variable.origin == "Collected" else "Sponsor"
    return define.Origin(Type=variable.origin, Source=source)


def where_clause(oid: str, one: Dataset, where: Mapping[str, Sequence[str]]) -> Any:
    """Return the condition that variables have certain values."""
    import odmlib.arm_1_0.model as define

    clause, items = define.WhereClauseDef(OID=oid), {item.name: item for item in one.variables}
    for name, values in where.items():
        check = define.RangeCheck(
            Comparator="EQ" if len(values) == 1 else "IN",
            SoftHard="Soft",
            ItemOID=item_oid(one, items[name]),
        )
        check.CheckValue = [define.CheckValue(_content=value) for value in values]
        clause.RangeCheck.append(check)
    return clause

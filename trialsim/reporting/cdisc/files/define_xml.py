"""The description of datasets as Define-XML 2.1, with the analyses as Analysis Results Metadata."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from trialsim import __version__
from trialsim.reporting.cdisc.files.analyses import Analysed
from trialsim.reporting.cdisc.files.dataset_json import (
    group_oid,
    item_oid,
    study_oid,
    version_oid,
)
from trialsim.reporting.cdisc.files.elements import GUIDE, described, item_definition, place_of
from trialsim.reporting.cdisc.files.results import result_clauses, result_displays
from trialsim.reporting.cdisc.files.value_lists import (
    list_oid,
    value_items,
    value_lists,
    where_clauses,
)
from trialsim.reporting.cdisc.metadata import CodeList, Dataset, Part, Term, Variable
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.cdisc.terminology import PUBLISHED

_NCI: Final = "nci:ExtCodeID"
_VERSIONS: Final = {"SDTMIG": ("3.4", "SDTM"), "ADaMIG": ("1.3", "ADaM")}


def define_xml(
    datasets: Sequence[Dataset], source: Source, guide: str, results: Sequence[Analysed] = ()
) -> bytes:
    """Return the file that describes the datasets of one standard.

    Parameters
    ----------
    guide
        The place of the reviewer's guide, relative to the file.
    results
        The analyses of the datasets.
    """
    import odmlib.arm_1_0.model as define

    lists, standard = _code_lists(datasets), datasets[0].standard
    content = define.MetaDataVersion(
        OID=version_oid(datasets[0].folder),
        Name=f"{source.study_id}, {standard}",
        DefineVersion="2.1.0",
    )
    content.Standards = _standards(standard)
    content.SupplementalDoc = define.SupplementalDoc(DocumentRef=[define.DocumentRef(leafID=GUIDE)])
    content.ValueListDef = [found for one in datasets for found in value_lists(one)]
    content.WhereClauseDef = [found for one in datasets for found in where_clauses(one)]
    content.ItemGroupDef = [_group(one) for one in datasets]
    content.ItemDef = [
        _item(one, variable, lists) for one in datasets for variable in one.variables
    ]
    content.ItemDef += value_items(datasets, lists)
    content.CodeList = [_code_list(oid, codes) for oid, codes in lists.items()]
    content.MethodDef = list(_methods(datasets))
    content.CommentDef = list(_comments(datasets))
    content.leaf = [_leaf(GUIDE, guide, "Reviewer's guide")]
    if results:
        content.WhereClauseDef += result_clauses(results, datasets)
        content.AnalysisResultDisplays = result_displays(source, results, datasets)
    root = _root(source, datasets[0].folder)
    root.Study = define.Study(
        OID=study_oid(source.study_id), GlobalVariables=_about(source), MetaDataVersion=content
    )
    return _as_bytes(root)


def _root(source: Source, folder: str) -> Any:
    import odmlib.arm_1_0.model as define

    return define.ODM(
        FileOID=f"{source.study_id}.{folder}.define",
        FileType="Snapshot",
        ODMVersion="1.3.2",
        CreationDateTime=source.created,
        AsOfDateTime=source.created,
        Originator="trialsim",
        SourceSystem="trialsim",
        SourceSystemVersion=__version__,
        Context="Other",
    )


def _about(source: Source) -> Any:
    import odmlib.arm_1_0.model as define

    about = define.GlobalVariables()
    about.StudyName = define.StudyName(_content=source.study_id)
    about.StudyDescription = define.StudyDescription(_content=f"SIMULATED: {source.study.title}")
    about.ProtocolName = define.ProtocolName(_content=source.study_id)
    return about


def _as_bytes(root: Any) -> bytes:
    text: str = root.to_xml_string(xml_declaration=True)
    return text.encode()


def _leaf(oid: str, href: str, title: str) -> Any:
    import odmlib.arm_1_0.model as define

    leaf = define.leaf(ID=oid, href=href)
    leaf.title = define.title(_content=title)
    return leaf


def _standards(standard: str) -> Any:
    import odmlib.arm_1_0.model as define

    version, terms = _VERSIONS[standard]
    found = define.Standards()
    found.Standard = [
        define.Standard(OID="STD.1", Name=standard, Type="IG", Version=version, Status="Final"),
        define.Standard(
            OID="STD.2",
            Name="CDISC/NCI",
            Type="CT",
            PublishingSet=terms,
            Version=PUBLISHED,
            Status="Final",
        ),
    ]
    return found


def _group(one: Dataset) -> Any:
    import odmlib.arm_1_0.model as define

    sdtm = one.standard == "SDTMIG"
    group = define.ItemGroupDef(
        OID=group_oid(one),
        Name=one.name,
        Repeating="No" if one.keys == ("USUBJID",) else "Yes",
        IsReferenceData="Yes" if one.is_reference else "No",
        SASDatasetName=one.name,
        Purpose="Tabulation" if sdtm else "Analysis",
        Structure=one.structure,
        ArchiveLocationID=f"LF.{one.name}",
        StandardOID="STD.1",
    )
    if sdtm:
        group.Domain = one.name
    group.Description = described(one.label)
    group.ItemRef = [_reference(one, place) for place in range(len(one.variables))]
    group.Class = define.Class(Name=one.kind)
    if one.name == "ADTTE":
        group.Class.SubClass = [define.SubClass(Name="TIME-TO-EVENT")]
    file = f"{one.name.lower()}.xpt"
    group.leaf = _leaf(f"LF.{one.name}", file, file)
    return group


def _reference(one: Dataset, place: int) -> Any:
    import odmlib.arm_1_0.model as define

    variable = one.variables[place]
    reference = define.ItemRef(
        ItemOID=item_oid(one, variable),
        OrderNumber=place + 1,
        Mandatory="Yes" if variable.mandatory else "No",
    )
    if variable.name in one.keys:
        reference.KeySequence = one.keys.index(variable.name) + 1
    if variable.origin == "Derived":
        reference.MethodOID = f"MT.{place_of(one, variable)}"
    return reference


def _item(one: Dataset, variable: Variable, lists: dict[str, CodeList]) -> Any:
    import odmlib.arm_1_0.model as define

    item, oid = item_definition(one, variable, lists), list_oid(one, variable)
    if oid is not None:
        item.ValueListRef = define.ValueListRef(ValueListOID=oid)
    return item


def _code_lists(datasets: Sequence[Dataset]) -> dict[str, CodeList]:
    """Return every list once, by its identifier; lists of one name that differ are numbered."""
    found: dict[str, CodeList] = {}
    for one in datasets:
        for variable, _ in _described_variables(one):
            codes = variable.codes
            if codes is None or not codes.terms or codes in found.values():
                continue
            oid = f"CL.{codes.name}"
            same = sum(known == oid or known.startswith(f"{oid}.v") for known in found)
            found[f"{oid}.v{same + 1}" if same else oid] = codes
    return found


def _code_list(oid: str, codes: CodeList) -> Any:
    import odmlib.arm_1_0.model as define

    number = all(term.value.isdigit() for term in codes.terms)
    content = define.CodeList(OID=oid, Name=codes.label, DataType="integer" if number else "text")
    if codes.is_sponsors:
        content.IsNonStandard = "Yes"
    else:
        content.StandardOID = "STD.2"
    if all(term.decode in ("", term.value) for term in codes.terms):
        content.EnumeratedItem = [_enumerated(term, codes) for term in codes.terms]
    else:
        content.CodeListItem = [_decoded(term, codes) for term in codes.terms]
    if codes.code is not None:
        content.Alias = [define.Alias(Context=_NCI, Name=codes.code)]
    return content


def _enumerated(term: Term, codes: CodeList) -> Any:
    import odmlib.arm_1_0.model as define

    return _with_code(define.EnumeratedItem(CodedValue=term.value), term, codes)


def _decoded(term: Term, codes: CodeList) -> Any:
    import odmlib.arm_1_0.model as define

    item = define.CodeListItem(CodedValue=term.value)
    item.Decode = define.Decode()
    item.Decode.TranslatedText = [
        define.TranslatedText(_content=term.decode or term.value, lang="en")
    ]
    return _with_code(item, term, codes)


def _with_code(item: Any, term: Term, codes: CodeList) -> Any:
    """Return a term with its code; one that the sponsor adds to a list of CDISC is marked so."""
    import odmlib.arm_1_0.model as define

    if term.code is not None:
        item.Alias = [define.Alias(Context=_NCI, Name=term.code)]
    elif not codes.is_sponsors:
        item.ExtendedValue = "Yes"
    return item


def _described_variables(one: Dataset) -> Iterator[tuple[Variable, Part | None]]:
    """Yield every variable, and what it is by test or parameter."""
    yield from ((variable, None) for variable in one.variables)
    yield from ((part.variable, part) for part in one.parts)


def _methods(datasets: Sequence[Dataset]) -> Iterator[Any]:
    import odmlib.arm_1_0.model as define

    for one in datasets:
        for variable, part in _described_variables(one):
            if variable.origin == "Derived":
                place = place_of(one, variable, part)
                method = define.MethodDef(OID=f"MT.{place}", Name=place, Type="Computation")
                method.Description = described(variable.comment)
                yield method


def _comments(datasets: Sequence[Dataset]) -> Iterator[Any]:
    import odmlib.arm_1_0.model as define

    for one in datasets:
        for variable, part in _described_variables(one):
            if variable.comment and variable.origin != "Derived":
                comment = define.CommentDef(OID=f"COM.{place_of(one, variable, part)}")
                comment.Description = described(variable.comment)
                yield comment

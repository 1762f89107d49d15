"""The files against the schemas and rules of CDISC: each check passes, and finds a planted error.

Skipped with a reason where what checks is not installed: the extra `cdisc-check`, and for the
schemas of Dataset-JSON and USDM and for CDISC's terminology the folder that TRIALSIM_CDISC names.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pandas import DataFrame

from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.files.analyses import analysed
from trialsim.reporting.cdisc.files.define_xml import define_xml
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.package import datasets_of
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.cdisc.terminology import LISTS, PUBLISHED
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate

_ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
_DEF = "{http://www.cdisc.org/ns/def/v2.1}"
OF_ADAM = {"ADSL": "ADSL", "ADEX": "BDS", "ADEFF": "BDS", "ADTTE": "ADTTE"}


def of_cdisc(place: str) -> Path:
    """Return a file that CDISC's own software ships; the test is skipped where it is not there."""
    folder = os.environ.get("TRIALSIM_CDISC")
    if folder is None or not (Path(folder) / place).is_file():
        pytest.skip(f"TRIALSIM_CDISC names no folder with {place}")
    return Path(folder) / place


@cache
def schema() -> Any:
    """Return what checks a define.xml by CDISC's schema, which defineutils ships.

    It is that of Analysis Results Metadata 1.0, which has all of Define-XML 2.1 in it.
    """
    from defineutils.validate import validate

    place = Path(validate.__file__).parent / "schema" / "cdisc-arm-1.0" / "arm1-0-0.xsd"
    return validate.DefineSchemaValidator(Path(), place).xsd


def schema_errors(path: Path) -> list[str]:
    """Return what is wrong with a define.xml."""
    pytest.importorskip("defineutils", reason="the extra cdisc-check is not installed")
    return [str(error) for error in schema().iter_errors(path)]


@pytest.mark.parametrize("folder", ["sdtm", "adam"])
def test_define_xml_is_valid(written: Path, folder: str, tmp_path: Path) -> None:
    """Oracle: CDISC's XSD of Define-XML 2.1 and of Analysis Results Metadata 1.0."""
    text = (written / folder / "define.xml").read_text()
    assert schema_errors(written / folder / "define.xml") == []
    planted = tmp_path / "define.xml"
    wrong = ('Mandatory="Yes"', 'Mandatory="Sure"')
    if folder == "adam":
        wrong = ('AnalysisReason="SPECIFIED IN SAP"', 'Motive="Sure"')
    planted.write_text(text.replace(*wrong, 1))
    assert "Sure" in schema_errors(planted)[0]


def test_define_xml_refers_to_nothing_that_is_not_there(written: Path) -> None:
    """Oracle: every identifier that is referred to, in the text of the file."""
    for folder in ("sdtm", "adam"):
        text = (written / folder / "define.xml").read_text()
        defined = set(re.findall(r'\b(?:OID|ID)="([^"]+)"', text))
        used = set(re.findall(r'\b(?:\w+OID|ArchiveLocationID|leafID)="([^"]+)"', text))
        used = {oid for oid in used if oid.partition(".")[0] in _KINDS}
        assert len(used) > 50
        assert used <= defined
        files = set(re.findall(r'href="([^"]+)"', text))
        assert all((written / folder / file).is_file() for file in files)


_KINDS = {"IT", "IG", "CL", "MT", "COM", "LF", "STD", "VL", "WC"}


def test_dataset_json_is_valid(written: Path) -> None:
    """Oracle: CDISC's schema of Dataset-JSON 1.1, which its rules engine ships."""
    jsonschema = pytest.importorskip("jsonschema", reason="the extra cdisc-check is not installed")
    schema = json.loads(of_cdisc("resources/schema/dataset.schema.json").read_text())
    checker = jsonschema.Draft202012Validator(schema)
    for path in written.glob("*/*.json"):
        content: dict[str, Any] = json.loads(path.read_text())
        content["rows"] = content["rows"][:50]
        assert list(checker.iter_errors(content)) == [], path.name
    del content["columns"][0]["label"]
    assert [error.validator for error in checker.iter_errors(content)] == ["required"]


def sdtm_failures(datasets: dict[str, DataFrame], define: Path) -> dict[str, int]:
    """Return the failed rules of SDTMIG 3.4 with the number of their findings."""
    pointblank = pytest.importorskip("pointblank", reason="the extra cdisc-check is not installed")
    report = pointblank.validate_sdtmig(datasets, version="3.4", define_xml=str(define))
    results = report.native_result.rule_results
    assert len(results) > 300
    return {one.description: one.n_issues for one in results if one.status in ("fail", "error")}


def test_sdtm_breaks_no_rule_of_its_guide(written: Path, datasets: dict[str, Dataset]) -> None:
    """Oracle: pointblank's 362 rules of SDTMIG 3.4; a sex that is none is found in each record."""
    frames = {one.name: one.frame.copy() for one in datasets.values() if one.folder == "sdtm"}
    define = written / "sdtm" / "define.xml"
    assert sdtm_failures(frames, define) == {}
    few = {name: frames[name] for name in ("DM", "TA", "TS")}
    few["DM"]["SEX"] = "Q"
    found = sdtm_failures(few, define)
    assert len(few["DM"]) in found.values()
    assert all("SEX" in rule for rule in found)
    del few["TS"]
    assert any("TS domain must be present" in rule for rule in sdtm_failures(few, define))


def test_adam_breaks_no_rule_of_its_guide(datasets: dict[str, Dataset]) -> None:
    """Oracle: pointblank's checks of ADaM; a population flag that is empty is found."""
    pytest.importorskip("pointblank", reason="the extra cdisc-check is not installed")
    from pointblank.metadata._adam_templates import validate_adam_structure
    from pointblank.metadata._adam_validate import validate_adam

    for name in OF_ADAM:
        known = {("col_vals_not_null", "SRCSEQ")} if name == "ADEFF" else set()
        assert adam_failures(datasets[name]) == known, name
    scores = datasets["ADEFF"].frame
    derived = scores["DTYPE"].ne("")
    assert scores["SRCSEQ"].isna().equals(derived), "the one failure: derived of several records"
    planted = datasets["ADSL"].frame.assign(SAFFL="")
    assert not validate_adam(planted, "ADSL").interrogate().all_passed()
    lacking = datasets["ADEFF"].frame.drop(columns="AVAL")
    assert validate_adam_structure(lacking, "BDS")["missing_required"] == ["AVAL"]


@pytest.mark.parametrize("name", ["cars_sequential", "rat_dose_response", "cars1_recovery"])
def test_a_study_with_looks_several_arms_or_times_breaks_no_rule(name: str, tmp_path: Path) -> None:
    """Oracle: CDISC's schema, and pointblank's rules of SDTMIG 3.4 and of ADaM."""
    pytest.importorskip("odmlib", reason="the extra cdisc is not installed")
    trial = simulate(load(name).replace({"design.patients": 24}), seed=3)
    source = Source(trial, calendar_from("2026-01-05"))
    every = datasets_of(source)
    for folder in ("sdtm", "adam"):
        mine = [one for one in every if one.folder == folder]
        results = analysed(source, analyse(trial)) if folder == "adam" else ()
        path = tmp_path / f"{folder}.xml"
        path.write_bytes(define_xml(mine, source, "reviewers_guide.md", results))
        assert schema_errors(path) == []
    frames = {one.name: one.frame for one in every if one.folder == "sdtm"}
    assert sdtm_failures(frames, tmp_path / "sdtm.xml") == {}
    failed = {one.name: adam_failures(one) for one in every if one.name in OF_ADAM}
    assert set().union(*failed.values()) <= {("col_vals_not_null", "SRCSEQ")}


def adam_failures(one: Dataset) -> set[tuple[str, str]]:
    """Return the failed checks of an ADaM dataset, each with its variable."""
    pytest.importorskip("pointblank", reason="the extra cdisc-check is not installed")
    from pointblank.metadata._adam_templates import validate_adam_structure
    from pointblank.metadata._adam_validate import validate_adam

    template = OF_ADAM[one.name]
    assert validate_adam_structure(one.frame, template)["issues"] == [], one.name
    checked = validate_adam(one.frame, template).interrogate().validation_info
    return {(check.assertion_type, check.column) for check in checked if not check.all_passed}


def terms_of_cdisc() -> dict[str, tuple[str, dict[str, str]]]:
    """Return each code list of CDISC by its submission value: its code, and its terms' codes."""
    text = of_cdisc("usdm4/ct/cdisc/library_cache/library_cache_all.yaml").read_text()
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for part in re.split(r"\n(?=C\d+:\n)", text):
        head, *terms = part.split("\n  - conceptId: ")
        name = re.search(r"\n  submissionValue: (.+)\n", part)
        if name is not None:
            values = {}
            for term in terms:
                value = re.search(r"\n    submissionValue: (.+)", term)
                values[_plain(value[1] if value else "")] = term.partition("\n")[0]
            found[_plain(name[1])] = (head[: head.index(":")], values)
    return found


def _plain(text: str) -> str:
    return text.strip().strip("'\"")


def test_every_term_is_one_of_cdisc_or_marked_as_the_sponsors(
    written: Path, datasets: dict[str, Dataset]
) -> None:
    """Oracle: CDISC's terminology of the date that is named, all of its lists."""
    official = terms_of_cdisc()
    codes = {code for _, terms in official.values() for code in terms.values()}
    assert len(codes) > 10_000
    for name, one in LISTS.items():
        if name == "DTYPE":  # of the terminology of ADaM, which is not in the package
            continue
        code, terms = official[name]
        assert one.code == code, name
        for value, of_term in one.terms.items():
            assert terms[value] == of_term, (name, value)
    for folder in ("sdtm", "adam"):
        root = ElementTree.parse(written / folder / "define.xml").getroot()
        assert PUBLISHED in [one.get("Version") for one in root.iter(f"{_DEF}Standard")]
        for listed in root.iter(f"{_ODM}CodeList"):
            sponsors = listed.get(f"{_DEF}IsNonStandard") == "Yes"
            for item in (
                *listed.iter(f"{_ODM}EnumeratedItem"),
                *listed.iter(f"{_ODM}CodeListItem"),
            ):
                marked = item.get(f"{_DEF}ExtendedValue") == "Yes"
                coded = item.find(f"{_ODM}Alias") is not None
                assert (marked, coded) == (False, False) if sponsors else marked != coded
    for described in datasets.values():
        for variable in described.variables:
            for term in () if variable.codes is None else variable.codes.terms:
                assert term.code is None or term.code in codes or variable.name == "DTYPE", term

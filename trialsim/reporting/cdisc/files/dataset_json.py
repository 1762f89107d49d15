"""A dataset as Dataset-JSON 1.1, the format that follows XPT."""

import math
from typing import Any, Final

import numpy as np

from trialsim import __version__
from trialsim.reporting.cdisc.calendar import SAS_EPOCH
from trialsim.reporting.cdisc.metadata import Dataset, Variable

VERSION: Final = "1.1.0"
_TYPES: Final = {
    "text": "string",
    "integer": "integer",
    "float": "double",
    "datetime": "datetime",
    "sas_date": "date",
    "sas_datetime": "datetime",
}
_UNITS: Final = {"sas_date": "D", "sas_datetime": "s"}


def dataset_json(one: Dataset, study_id: str, created: str) -> dict[str, Any]:
    """Return the content of the file; numeric dates are in ISO 8601, as the standard has them."""
    columns = [_values(one, variable) for variable in one.variables]
    return {
        "datasetJSONCreationDateTime": created,
        "datasetJSONVersion": VERSION,
        "fileOID": f"{study_id}.{one.name}",
        "originator": "trialsim",
        "sourceSystem": {"name": "trialsim", "version": __version__},
        "studyOID": study_oid(study_id),
        "metaDataVersionOID": version_oid(one.folder),
        "metaDataRef": "define.xml",
        "itemGroupOID": group_oid(one),
        "records": len(one.frame),
        "name": one.name,
        "label": one.label,
        "columns": [_column(one, variable) for variable in one.variables],
        "rows": [list(row) for row in zip(*columns, strict=True)],
    }


def study_oid(study_id: str) -> str:
    """Return the identifier of the study, as Define-XML has it."""
    return f"STUDY.{study_id}"


def version_oid(folder: str) -> str:
    """Return the identifier of a description of datasets."""
    return f"MDV.{folder.upper()}"


def group_oid(one: Dataset) -> str:
    """Return the identifier of a dataset."""
    return f"IG.{one.name}"


def item_oid(one: Dataset, variable: Variable) -> str:
    """Return the identifier of a variable."""
    return f"IT.{one.name}.{variable.name}"


def _column(one: Dataset, variable: Variable) -> dict[str, Any]:
    content: dict[str, Any] = {
        "itemOID": item_oid(one, variable),
        "name": variable.name,
        "label": variable.label,
        "dataType": _TYPES[variable.kind],
    }
    if variable.sas_format is not None:
        content |= {"targetDataType": "integer", "displayFormat": variable.sas_format}
    if variable.kind == "text":
        content["length"] = one.length(variable)
    if variable.name in one.keys:
        content["keySequence"] = one.keys.index(variable.name) + 1
    return content


def _values(one: Dataset, variable: Variable) -> list[Any]:
    values = one.frame[variable.name].tolist()
    if variable.is_text:
        return values
    if variable.kind == "float":
        return [None if math.isnan(value) else value for value in values]
    if variable.kind == "integer":
        return [None if math.isnan(value) else round(value) for value in values]
    unit: Any = _UNITS[variable.kind]
    epoch = SAS_EPOCH.astype(f"datetime64[{unit}]")
    return [
        None if math.isnan(value) else str(epoch + np.timedelta64(round(value), unit))
        for value in values
    ]

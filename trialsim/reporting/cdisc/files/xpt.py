"""A dataset as a SAS transport file, version 5, whose bytes depend on the dataset alone."""

from pathlib import Path
from typing import Final

from trialsim.reporting.cdisc.metadata import Dataset

_STAMP: Final = b"05JAN26:00:00:00"
_STAMPS: Final = (144, 160, 464, 480)
"""Where the file says when it was made: twice of the library, twice of the dataset."""


def write_xpt(one: Dataset, path: Path) -> None:
    """Write a dataset to a file; the time at which it is written is not noted in it."""
    import pyreadstat

    formats = {variable.name: variable.sas_format for variable in one.variables}
    pyreadstat.write_xport(
        one.frame,
        str(path),
        file_label=one.label,
        column_labels=[variable.label for variable in one.variables],
        table_name=one.name,
        file_format_version=5,
        variable_format={name: said for name, said in formats.items() if said is not None},
    )
    content = bytearray(path.read_bytes())
    for place in _STAMPS:
        content[place : place + len(_STAMP)] = _STAMP
    path.write_bytes(content)

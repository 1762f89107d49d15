"""XPT files by the published layout of SAS transport version 5, read by a reader of the test's own.

The layout is that of SAS Institute's technical support document TS-140: records of 80 bytes, names
of 140 bytes for each variable, numbers as hexadecimal floating point of IBM mainframes.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source


class Read(NamedTuple):
    """What a file says."""

    name: str
    title: str
    labels: dict[str, str]
    formats: dict[str, str]
    values: dict[str, list[str | float]]


def ibm_number(raw: bytes) -> float:
    """Return an IBM double; NaN of the missing value, which is a point before zeros."""
    if raw[0] == ord(".") and not any(raw[1:]):
        return np.nan
    sign = -1.0 if raw[0] & 128 else 1.0
    return sign * int.from_bytes(raw[1:], "big") / 2.0**56 * 16.0 ** ((raw[0] & 127) - 64)


def text(raw: bytes) -> str:
    """Return a text without the spaces after it."""
    return raw.decode("ascii").rstrip(" ")


def read_transport(content: bytes) -> Read:
    """Return the one dataset of a transport file."""
    assert len(content) % 80 == 0
    assert content.startswith(b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!")
    member = content.index(b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!")
    size = int(content[member + 74 : member + 78])
    about = content[member + 160 : member + 320]
    begin = member + 320
    assert content[begin:].startswith(b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!")
    count, place = int(content[begin + 54 : begin + 58]), begin + 80
    found = []
    for _ in range(count):
        kind, _, length, _, name, label, form, *_, position = struct.unpack(
            ">hhhh8s40s8shhh2s8shhl", content[place : place + 88]
        )
        found.append((text(name), text(label), text(form), kind, position, length))
        place += size
    place += -place % 80
    assert content[place:].startswith(b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!")
    width = max(position + length for *_, position, length in found)
    body = content[place + 80 :]
    rows = [body[first : first + width] for first in range(0, len(body) - width + 1, width)]
    while rows and not rows[-1].strip():
        rows.pop()
    values: dict[str, list[str | float]] = {}
    for name, _, _, kind, position, length in found:
        raws = [row[position : position + length] for row in rows]
        values[name] = [ibm_number(raw) if kind == 1 else text(raw) for raw in raws]
    labels = {name: label for name, label, *_ in found}
    formats = {name: form for name, _, form, *_ in found if form}
    return Read(text(about[8:16]), text(about[112:152]), labels, formats, values)


def test_numbers_of_ibm_mainframes_are_read() -> None:
    """Oracle: the examples of TS-140 and of arithmetic."""
    assert ibm_number(bytes.fromhex("4110000000000000")) == 1.0
    assert ibm_number(bytes.fromhex("C110000000000000")) == -1.0
    assert ibm_number(bytes(8)) == 0.0
    assert np.isnan(ibm_number(b"." + bytes(7)))


def test_every_file_has_the_names_labels_formats_and_values_of_its_dataset(
    written: Path, datasets: dict[str, Dataset]
) -> None:
    for one in datasets.values():
        read = read_transport((written / one.folder / f"{one.name.lower()}.xpt").read_bytes())
        assert (read.name, read.title) == (one.name, one.label)
        assert list(read.labels.items()) == [(item.name, item.label) for item in one.variables]
        for item in one.variables:
            values = read.values[item.name]
            if item.is_text:
                assert values == one.frame[item.name].tolist(), f"{one.name}.{item.name}"
            else:
                numbers = one.frame[item.name].to_numpy(np.float64)
                assert_allclose(np.array(values, np.float64), numbers, rtol=1e-15, atol=0)
            if item.sas_format is not None:
                assert read.formats[item.name] in item.sas_format


def test_pandas_reads_zero_as_almost_zero_which_the_file_does_not_say(
    written: Path, datasets: dict[str, Dataset]
) -> None:
    """The reader of pandas is at fault, not the file."""
    path = written / "adam" / "adsl.xpt"
    place = int(datasets["ADSL"].frame["CUMDOSE"].eq(0).to_numpy().argmax())
    assert read_transport(path.read_bytes()).values["CUMDOSE"][place] == 0.0
    assert 0 < pd.read_sas(path, format="xport", encoding="ascii")["CUMDOSE"][place] < 1e-70


R_READS = """
library(foreign)
folder <- commandArgs(trailingOnly = TRUE)[1]
for (path in list.files(folder, pattern = "[.]xpt$", recursive = TRUE, full.names = TRUE)) {
  data <- read.xport(path)
  for (name in names(data)) {
    column <- data[[name]]
    told <- if (is.numeric(column)) sum(column, na.rm = TRUE) else sum(nchar(as.character(column)))
    cat(sub("[.]xpt$", "", basename(path)), name, nrow(data), format(told, digits = 15), "\\n")
  }
}
effects <- read.xport(file.path(folder, "adam", "adeff.xpt"))
primary <- subset(effects, PARAMCD == "ARAT" & AVISIT == "DAY 90" & ANL01FL == "Y" & FASFL == "Y")
test <- wilcox.test(AVAL ~ TRTPN, data = primary, exact = FALSE, correct = FALSE)
share <- unname(test$statistic) / prod(table(primary$TRTPN))
cat("result", format(share, digits = 15), format(test$p.value, digits = 15), "0\\n")
"""


def has_foreign() -> bool:
    """Return whether R is found here, with its package that reads transport files."""
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('foreign', quietly = TRUE))"]
    return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.skipif(not has_foreign(), reason="no R with its package foreign is found")
def test_r_reads_every_file_and_gives_back_the_printed_result(
    written: Path, datasets: dict[str, Dataset], source: Source, tmp_path: Path
) -> None:
    """R sums every number and counts every letter, and runs its own test on ADEFF alone."""
    script = tmp_path / "reads.R"
    script.write_text(R_READS, encoding="ascii")
    asked = ["Rscript", "--vanilla", str(script), str(written)]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True).stdout
    lines = [line.split() for line in told.splitlines()]
    *columns, (_, share, p_value, _) = lines
    found = {(file.upper(), name): (int(rows), float(sum)) for file, name, rows, sum in columns}
    assert found.keys() == {
        (name, item.name) for name, one in datasets.items() for item in one.variables
    }
    for (name, column), (rows, total) in found.items():
        frame = datasets[name].frame
        assert rows == len(frame)
        if pd.api.types.is_numeric_dtype(frame[column]):
            wanted = float(frame[column].sum())
        else:
            wanted = float(frame[column].fillna("").astype(str).str.len().sum())
        assert total == pytest.approx(wanted, rel=1e-9), f"{name}.{column}"
    result = analyse(source.trial)
    assert float(share) == pytest.approx(result.estimate, rel=1e-12)
    assert float(p_value) == pytest.approx(result.p_value, rel=1e-9)

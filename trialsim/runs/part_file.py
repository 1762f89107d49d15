"""The results of one block of replicates as Parquet, the same bytes wherever they are computed.

A file's name holds the block and the beginning of its SHA-256 digest, so that one rename publishes
both content and checksum. Neither time nor place nor path is in it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.replicates.run import Failure, Replicates

SUFFIX: Final = ".parquet"
_ABOUT: Final = ("replicate", "reason", "traceback")
"""The columns that say which replicate it was, and why it failed."""
_NAME: Final = re.compile(r"(\d{8,})-([0-9a-f]{16})\.parquet")


class PartName(NamedTuple):
    """What the name of a part says."""

    block: int
    checksum: str

    def __str__(self) -> str:
        """Return the name of the file.

        >>> str(PartName(3, "0123456789abcdef"))
        '00000003-0123456789abcdef.parquet'
        """
        return f"{self.block:08}-{self.checksum}{SUFFIX}"


def parsed_name(name: str) -> PartName | None:
    """Return what the name of a file says, None if it is not that of a part.

    A block has one name: with another zero in front it is that of no part.

    >>> parsed_name("00000003-0123456789abcdef.parquet").block
    3
    >>> parsed_name("000000003-0123456789abcdef.parquet") is None
    True
    """
    found = _NAME.fullmatch(name)
    said = PartName(int(found[1]), found[2]) if found else None
    return said if str(said) == name else None


def to_parquet(replicates: range, results: Replicates, origin: Mapping[str, str]) -> bytes:
    """Return results, one row a replicate, as a Parquet file; `origin` goes to its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    failures = {failure.replicate: failure for failure in results.failures}
    failed = [failures.get(number) for number in replicates]
    columns = {
        "replicate": pa.array(np.array(replicates)),
        **{name: pa.array(values) for name, values in results.columns.items()},
        "reason": pa.array([one and one.reason for one in failed], pa.string()),
        "traceback": pa.array([one and one.traceback for one in failed], pa.string()),
    }
    table = pa.table(columns).replace_schema_metadata(dict(origin))
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, version="2.6", compression="zstd", use_dictionary=False, row_group_size=2**20
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_parquet(content: bytes) -> Replicates:
    """Return the results in a Parquet file."""
    import pyarrow as pa

    table = _opened(content).read(use_threads=False)
    known = table.column("reason").is_valid().to_numpy()
    rows = table.select(list(_ABOUT)).filter(pa.array(known)).to_pylist()
    return Replicates(
        {name: table.column(name).to_numpy() for name in table.column_names if name not in _ABOUT},
        tuple(Failure(**row) for row in rows),
    )


def origin_of(content: bytes, replicates: range, names: Sequence[str]) -> dict[str, str] | None:
    """Return what a Parquet file says of where its results come from.

    None if it is no such file, or has not a row for each replicate, in order, with all quantities.
    """
    import pyarrow as pa

    types = {"replicate": pa.int64(), "reason": pa.string(), "traceback": pa.string()}
    types |= dict.fromkeys(names, pa.float64())
    try:
        file = _opened(content)
        schema = file.schema_arrow
        if dict(zip(schema.names, schema.types, strict=True)) != types:
            return None
        rows = file.read(columns=["replicate"], use_threads=False).column(0).to_numpy()
        metadata = schema.metadata or {}
        told = {key.decode(): value.decode() for key, value in metadata.items()}
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        return None
    return told if np.array_equal(rows, replicates) else None


def _opened(content: bytes) -> Any:
    """Return a Parquet file, to be read without threads, which a limit of memory may refuse."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)

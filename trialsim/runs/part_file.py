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
    """What the name of a part tells."""

    block: int
    checksum: str

    def __str__(self) -> str:
        """Return the name of the file.

        >>> str(PartName(3, "0123456789abcdef"))
        '00000003-0123456789abcdef.parquet'
        """
        return f"{self.block:08}-{self.checksum}{SUFFIX}"


def parsed_name(name: str) -> PartName | None:
    """Return what the name of a file tells, None if it is not that of a part.

    >>> parsed_name("00000003-0123456789abcdef.parquet").block
    3
    """
    found = _NAME.fullmatch(name)
    return PartName(int(found[1]), found[2]) if found else None


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

    table = _read(content)
    known = table.column("reason").is_valid().to_numpy()
    rows = table.select(list(_ABOUT)).filter(pa.array(known)).to_pylist()
    return Replicates(
        {name: table.column(name).to_numpy() for name in table.column_names if name not in _ABOUT},
        tuple(Failure(**row) for row in rows),
    )


def origin_of(content: bytes) -> dict[str, str] | None:
    """Return what a Parquet file says of where its results come from, None if it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
        return {key.decode(): value.decode() for key, value in metadata.items()}
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        return None


def holds(content: bytes, replicates: range, names: Sequence[str]) -> bool:
    """Return whether a Parquet file has a row for each replicate, in order, and all quantities."""
    import pyarrow as pa

    try:
        table = _read(content)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError):
        return False
    types = {"replicate": pa.int64(), "reason": pa.string(), "traceback": pa.string()}
    types |= dict.fromkeys(names, pa.float64())
    if dict(zip(table.schema.names, table.schema.types, strict=True)) != types:
        return False
    return bool(np.array_equal(table.column("replicate").to_numpy(), replicates))


def _read(content: bytes) -> Any:
    """Return the table in a Parquet file, read without threads, which a limit may refuse."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.read_table(pa.BufferReader(content), use_threads=False, pre_buffer=False)

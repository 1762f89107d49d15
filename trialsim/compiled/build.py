"""Compile the stages: `python trialsim/compiled/build.py` does so in place.

One shared library for each kind of processor, of one source. Nothing but the standard library is
needed, so that the build hook can run this file by itself.
"""

import os
import platform
import shutil
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SOURCE: Final = HERE / "whole.c"
"""What is compiled; it includes the other files."""
KINDS: Final = {
    "x86-64-v4": ("-march=x86-64-v4", "-mprefer-vector-width=256", "-mtune=skylake-avx512"),
    "x86-64-v3": ("-march=x86-64-v3",),
    "x86-64": ("-march=x86-64",),
}
"""Kinds of processor, the best first, and the options that compile for each.

Vectors of 512 bits cost more than they save where loops are as short as a trial's: a twentieth;
instructions in the order that suits the processors that have them save as much.
"""
OTHER: Final = "generic"
"""The kind of a processor of another family."""
FLAGS: Final = (
    *(
        "-O3",
        "-std=c11",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
    ),
    *("-Wall", "-Wextra"),
)


def edition() -> int:
    """Return a number that belongs to this source, which a library of another does not give."""
    return zlib.crc32(b"".join(file.read_bytes() for file in sorted(HERE.glob("*.c"))))


def library_of(kind: str) -> Path:
    """Return where the library for a kind of processor stands, built or not."""
    return HERE / f"stages-{kind}.so"


def kinds_here() -> dict[str, tuple[str, ...]]:
    """Return the kinds of processor to compile for on this machine, with their options."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return KINDS
    return {OTHER: ()}


def compiler() -> str | None:
    """Return the C compiler: `CC` of the environment, or cc, gcc or clang; None if none is found.

    The stages need whole numbers of 128 bits, which Microsoft's compiler lacks.
    """
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def build() -> list[Path]:
    """Compile for every kind of processor of this family; return the libraries that were made.

    None where there is no compiler, it does not know the kind, or nothing can be written here: what
    has no library is computed by NumPy. The reason goes to standard error.
    """
    found = compiler()
    if found is None:
        sys.stderr.write("no C compiler: trialsim will compute with NumPy alone\n")
        return []
    made = []
    for kind, options in kinds_here().items():
        target = library_of(kind)
        partly = target.with_suffix(f".{os.getpid()}")
        command = [found, *FLAGS, *options, f"-DEDITION={edition()}L", "-o", str(partly)]
        try:
            subprocess.run([*command, str(SOURCE)], check=True, capture_output=True, text=True)
            partly.replace(target)
        except (OSError, subprocess.CalledProcessError) as failed:
            sys.stderr.write(f"not compiled for {kind}:\n{getattr(failed, 'stderr', failed)}\n")
            continue
        finally:
            with suppress(OSError):  # most often there is none, or nothing can be changed here
                partly.unlink()
        made.append(target)
    return made


if __name__ == "__main__":
    libraries = build()
    sys.stderr.write("".join(f"{library}\n" for library in libraries))
    sys.exit(not libraries)

"""Installation qualification: versions, and whether the files are as they were delivered."""

import platform
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Final

from trialsim.compiled.library import build_name
from trialsim.replicates.versions import processor_here
from trialsim.validation.checks import Check, Outcome, compared, noted

PACKAGE: Final = Path(__file__).resolve().parents[1]
_BOUND: Final = re.compile(r"^([A-Za-z0-9_.-]+)>=([0-9.]+)$")


def installation_checks() -> Iterator[Check]:
    """Yield what is installed, and whether it is as it was delivered."""
    installed = distribution("trialsim")
    yield noted("installation", "trialsim", "Version of trialsim", installed.version)
    yield noted("installation", "python", "Python", platform.python_version())
    machine = f"{platform.system()} {platform.machine()}, {processor_here()}"
    yield noted("installation", "platform", "Platform, and routines of NumPy", machine)
    yield noted("installation", "build", "Build that computes", build_name())
    yield from required(installed)
    yield files(installed)


def required(installed: Distribution) -> Iterator[Check]:
    """Yield a check for each package that must be there in some version at least."""
    for requirement in installed.requires or ():
        bound = _BOUND.match(requirement)
        if bound is None:  # of an extra
            continue
        name, least = bound.groups()
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "none"
        enough: Outcome = "pass" if _parts(found) >= _parts(least) else "fail"
        yield Check("installation", name, f"Version of {name}", f"at least {least}", found, enough)


def _parts(told: str) -> tuple[int, ...]:
    """Return the numbers of a version.

    >>> _parts("2.10.0rc1") > _parts("2.9")
    True
    """
    return tuple(int(part) for part in re.findall(r"(?:^|\.)(\d+)", told))


def files(installed: Distribution, package: Path = PACKAGE) -> Check:
    """Compare every file of the package with the hash that the installer noted of it."""
    name, what = "files", "Files as they were delivered (RECORD, SHA-256)"
    hashes = dict(_hashes(installed, package))
    if not hashes:
        return noted("installation", name, what, "used in place, with no hashes to compare")
    changed = [path for path, noted_hash in hashes.items() if _hash(path) != noted_hash]
    told = f"{len(hashes)} unchanged"
    others = ", ".join(sorted(path.relative_to(package).as_posix() for path in changed))
    found = f"changed or missing: {others}" if changed else told
    return compared("installation", name, what, told, found)


def _hashes(installed: Distribution, package: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of the package that runs, and the hash that was noted of each."""
    for file in installed.files or ():
        path = Path(str(file.locate())).resolve()
        if file.hash is not None and path.is_relative_to(package):
            yield path, file.hash.value


def _hash(path: Path) -> str:
    content = path.read_bytes() if path.is_file() else b""
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()

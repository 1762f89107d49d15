"""Files are compared with the hashes that the installer noted, and versions with the least ones."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from trialsim.validation.installation import files, required

CODE = {"trialsim/__init__.py": b"one", "trialsim/stats/z.py": b"two", "other.py": b"three"}


@pytest.fixture
def installed(tmp_path: Path) -> PathDistribution:
    """Return a small distribution, as an installer leaves it."""
    lines = []
    for name, content in CODE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    about = tmp_path / "trialsim-1.dist-info"
    about.mkdir()
    (about / "RECORD").write_text("\n".join([*lines, "trialsim-1.dist-info/RECORD,,"]) + "\n")
    needs = ["numpy>=2.0", "scipy>=900.1", "no-such-package>=1", "pytest>=8; extra == 'test'"]
    meta = ["Metadata-Version: 2.1", "Name: trialsim", "Version: 1"]
    (about / "METADATA").write_text(
        "\n".join([*meta, *(f"Requires-Dist: {one}" for one in needs)]) + "\n"
    )
    return PathDistribution(about)


def test_files_as_delivered_pass_and_changed_or_missing_ones_are_named(
    installed: PathDistribution, tmp_path: Path
) -> None:
    package = tmp_path / "trialsim"
    whole = files(installed, package)
    assert (whole.outcome, whole.found) == ("pass", "2 unchanged")
    (package / "stats" / "z.py").write_bytes(b"tow")
    changed = files(installed, package)
    assert (changed.outcome, changed.found) == ("fail", "changed or missing: stats/z.py")
    (package / "stats" / "z.py").unlink()
    assert files(installed, package).found == changed.found


def test_a_checkout_has_no_hashes_to_compare(installed: PathDistribution, tmp_path: Path) -> None:
    assert files(installed, tmp_path / "elsewhere").outcome == "not checked"


def test_packages_that_are_missing_or_too_old_fail(installed: PathDistribution) -> None:
    found = {check.name: (check.outcome, check.found) for check in required(installed)}
    assert found["numpy"][0] == "pass"
    assert found["scipy"][0] == "fail"
    assert found["no-such-package"] == ("fail", "none")
    assert len(found) == 3

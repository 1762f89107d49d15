"""The Python of the README and of the documentation, as a user's own type checker reads it.

Run as a program it checks them by mypy, and leaves with its status: the README strictly, and of the
other pages every name and argument. What may be None or of several kinds, and what a reader's own
function takes, a page need not say. It takes what mypy has kept of the package, so it comes after a
run over that. The README is checked by Pyright too, where `basedpyright` is installed, which brings
all it needs with it; Pyright's own package would fetch the checker at its first run.
"""

import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_BLOCK: Final = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

_UNSAID: Final = ("union-attr", "no-untyped-def", "no-untyped-call", "operator")
_OF_PAGES: Final = [part for code in _UNSAID for part in ("--disable-error-code", code)]


def python_of(page: str) -> str:
    r"""Return the Python of a page as one program: of a session what is typed.

    >>> python_of("```python\n>>> 1 + 1\n2\n\n```\nWords.\n```python\nx = 1\n```\n")
    '1 + 1\nx = 1\n'
    """
    return "".join(_program(dedent(block[1])) for block in _BLOCK.finditer(page))


def _program(block: str) -> str:
    if ">>> " not in block:
        return block
    return "".join(one.source for one in doctest.DocTestParser().get_examples(block))


def programs() -> Iterator[tuple[str, str]]:
    """Yield the name and the program of each page that has Python."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        program = python_of(page.read_text(encoding="utf-8"))
        if program:
            yield page.stem.lower(), program


def main() -> int:
    """Check every page, and return how many of the runs found something."""
    with TemporaryDirectory() as folder:
        files = {}
        for name, program in programs():
            files[name] = Path(folder) / f"page_{name}.py"
            files[name].write_text(program, encoding="utf-8")
        readme = files.pop("readme")
        return _checked(readme) + _checked(*_OF_PAGES, *files.values()) + _by_pyright(readme)


def _checked(*options: str | Path) -> int:
    own = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, [*own, *options])], cwd=ROOT, check=False
    )
    return int(done.returncode != 0)


def _by_pyright(page: Path) -> int:
    if find_spec("basedpyright") is None:
        sys.stderr.write("the README is not checked by Pyright: basedpyright is not installed\n")
        return 0
    asked = ["--pythonpath", sys.executable, "--level", "error", page.name]
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", *asked], cwd=page.parent, check=False
    )
    return int(done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())

"""The statistics are found by module."""

import pkgutil

import trialsim.stats


def test_the_package_lists_every_module_once() -> None:
    """Below the sentences, a folder or a module a line."""
    _, _, listing = (trialsim.stats.__doc__ or "").split("\n\n")
    listed = [line.split()[0].rstrip("/") for line in listing.splitlines() if line]
    walked = pkgutil.walk_packages(trialsim.stats.__path__, "trialsim.stats.")
    assert sorted(listed) == sorted(one.name.split(".")[-1] for one in walked)

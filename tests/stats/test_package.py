"""The statistics are found by module."""

import pkgutil

import trialsim.stats


def test_the_package_lists_every_module_once() -> None:
    lines = (trialsim.stats.__doc__ or "").splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("    ")]
    assert sorted(listed) == sorted(
        one.name for one in pkgutil.iter_modules(trialsim.stats.__path__)
    )

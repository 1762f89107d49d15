"""How fast the package is, how far it agrees, and next to whom: one small table a file.

`python -m benchmarks` runs all; `python -m benchmarks engines power` some; `speed` is every part
that takes time. Figures are comparisons within one run, because machines differ.
"""

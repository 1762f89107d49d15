"""Run a power calculation of cars1, and print the peak memory in MB of the largest process in it.

It is a program of its own, small itself, because a process starts with its parent's peak.
"""

import resource
import subprocess
import sys

RUN = """
import sys
import trialsim
from joblib.externals.loky import get_reusable_executor
replicates, jobs, patients = map(int, sys.argv[1:])
study = trialsim.load("cars1").replace({"design.patients": patients})
trialsim.power(study, replicates, n_jobs=jobs)
get_reusable_executor().shutdown(wait=True)
"""


def main() -> None:
    """Take the replicates, the workers and the patients of a trial from the command line."""
    subprocess.run([sys.executable, "-c", RUN, *sys.argv[1:]], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024))


if __name__ == "__main__":
    main()

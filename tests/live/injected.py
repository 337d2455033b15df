"""Faults that no device of this machine can be made to have: a library that stands before DPDK's own functions."""

import subprocess
from pathlib import Path


def injected(folder, **faults):
    """What to start a gateway within so that it has these faults: the variables that injected.c reads."""
    library = Path(folder) / "injected.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_suffix(".c"), "-ldl"], check=True)
    return ["env", f"LD_PRELOAD={library}", *(f"STRATA_TEST_{name}={value}" for name, value in faults.items())]

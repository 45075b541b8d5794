"""`python -m benchmarks`: the same as `python benchmarks/api_hot_path.py`."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    # The modules here are programs side by side, not a package that others import.
    sys.path.insert(0, str(HERE))
    runpy.run_path(str(HERE / "api_hot_path.py"), run_name="__main__")

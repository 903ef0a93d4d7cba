#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/rules/<name>.csv from scripts/golden/rules/<name>.py: make.py [NAME...], all without a name.
Debian: python3-torch python3-numpy; /usr/bin/python3. The tests only read what is written here."""
import pathlib
import runpy
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness  # noqa: E402


def main():
    here = pathlib.Path(__file__).parent
    folder = here.parents[1] / "tests/golden"
    rows = [",".join(repr(float(v)) for v in row) for row in harness.gradients()]
    (folder / "gradients.csv").write_text("\n".join(rows) + "\n")
    numpy.seterr(all="raise", under="ignore")
    for name in sys.argv[1:] or sorted(f.stem for f in (here / "rules").glob("*.py")):
        harness.CASES.clear()
        runpy.run_path(str(here / "rules" / f"{name}.py"))
        print(f"{name}: {harness.write(name, folder)} points")


if __name__ == "__main__":
    main()

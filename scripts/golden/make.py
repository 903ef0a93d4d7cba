#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/<kind>/<name>.csv from scripts/golden/<kind>/<name>.py, kind rules, methods or finite_sums: make.py [NAME...],
all without a name.
Debian: python3-torch python3-numpy; /usr/bin/python3. The tests only read what is written here."""
import pathlib
import runpy
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness  # noqa: E402
import problems  # noqa: E402
import sums  # noqa: E402


def main():
    here = pathlib.Path(__file__).parent
    folder = here.parents[1] / "tests/golden"
    rows = [",".join(repr(float(v)) for v in row) for row in harness.gradients()]
    (folder / "gradients.csv").write_text("\n".join(rows) + "\n")
    numpy.seterr(all="raise", under="ignore")
    wanted = sys.argv[1:]
    for kind, shared in ("rules", harness), ("methods", problems), ("finite_sums", sums):
        for file in sorted((here / kind).glob("*.py")):
            if wanted and file.stem not in wanted:
                continue
            shared.CASES.clear()
            runpy.run_path(str(file))
            print(f"{file.stem}: {shared.write(file.stem, folder)} points")


if __name__ == "__main__":
    main()

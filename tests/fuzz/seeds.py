# SPDX-License-Identifier: Apache-2.0
"""The first inputs of the fuzzers: seeds.py TALWEG FOLDER makes FOLDER/<target>/*."""
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/fault"))
from fuzz import data_files  # noqa: E402

KINDS = {"rows.csv": b"c", "rows.svm": b"s", "rows.npy": b"n", "labels.npy": b"l", "rows-idx3-ubyte": b"i", "labels-idx1-ubyte": b"i"}


def main():
    talweg, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    for target in ("config", "data", "checkpoint", "npz"):
        (folder / target).mkdir()
    for config in [*SOURCE.glob("configs/*.toml"), *SOURCE.glob("configs/bench/*.toml")]:
        (folder / "config" / config.name).write_bytes(config.read_bytes())
    for name, _ in data_files(folder):
        (folder / "data" / name).write_bytes(KINDS[name] + (folder / name).read_bytes())
    config = folder / "one.toml"
    config.write_text('[data]\ntrain = "rows.svm"\n[model]\nkind = "linear"\nloss = "logistic"\n[method]\nname = "momentum"\n[run]\nsteps = 1\n')
    run = folder / "run"
    subprocess.run([talweg, "train", config, "--run", run, "--progress", "none", "--threads", "1"], check=True, capture_output=True)
    (checkpoint,) = run.glob("checkpoints/step-*.h5")
    (folder / "checkpoint/one.h5").write_bytes(checkpoint.read_bytes())
    subprocess.run([talweg, "export", run, "-o", folder / "npz/one.npz"], check=True, capture_output=True)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Mutants: each breaks one promise, and a test must fail for it. Run by scripts/mutants.sh in a copy of the source with a build/.

Each test passes on the source as it is, which is tried first: a test that fails anyway would catch everything."""
import pathlib
import subprocess
import sys

FAULTS = ["/usr/bin/python3", "tests/fault/faults.py", "build/talweg", "build/tests/libfailing_disk.so", "--seed", "1", "--only"]


def case(room, names):
    return f"test_{room}", [f"build/tests/test_{room}", f"--gtest_filter={names}"]


def fault(row):
    return "talweg_program", [*FAULTS, row]


#    name, file, the text in the source, the text in the mutant, target and test
MUTANTS = [
    ("no fsync of a file", "src/io/atomic_file.cpp", "if (::fsync(file.get()) != 0)", "if (false)", fault("F2")),
    ("no fsync of its folder", "src/io/atomic_file.cpp", "  sync_directory(path);\n", "", fault("F2")),
    ("no rename: written in place", "src/io/atomic_file.cpp", "fs::path temporary_name(const fs::path& path) {\n",
     "fs::path temporary_name(const fs::path& path) {\n  if (true) return path;\n", fault("F2")),
    ("no look at the hash", "src/io/seal.cpp", "found != s.hash", "found != s.hash && false", case("io", "Checkpoints.NoFlippedByte*")),
    ("rotation counts damaged ones", "src/io/checkpoint_store.cpp", "if (intact(found.path)) ++kept;", "++kept;",
     case("io", "CheckpointStores.Rotation*")),
    ("rotation trusts names", "src/io/checkpoint_store.cpp", "known != verified_.end() && known->second == identity", "known != verified_.end()",
     case("io", "CheckpointStores.Rotation*")),
    ("rotation reads all again", "src/io/checkpoint_store.cpp", "known->second == identity) return;", "false) return;",
     case("io", "CheckpointReads*")),
    ("a forgotten counter", "src/train/snapshot.cpp", "for (const auto& c : state.layout().counters()) state.counter(c.name) = number",
     "for (const auto& c : state.layout().counters()) if (!c.name.ends_with(\"pairs\")) state.counter(c.name) = number",
     case("e2e", "*SameBits*lbfgs*")),
    ("a swallowed signal", "src/base/signals.cpp", "if (w.number == number)", "if (w.number == number && number != SIGUSR1)",
     case("e2e", "Signals.Usr1*")),
    ("no lock", "src/io/lock.cpp", "flock(descriptor, LOCK_EX | LOCK_NB) == 0", "flock(descriptor, LOCK_EX | LOCK_NB) <= 0", case("io", "DirectoryLock*")),
    ("no deadline", "src/comm/watchdog.cpp", "if (quiet_ < deadline +", "if (quiet_ < 1e9 + deadline +", case("e2e", "Peers.AStopped*")),
    ("a NaN passes", "src/engine/distributed_oracle.cpp", "if (!reduced.finite) throw optim::Diverged(\"the loss",
     "if (false) throw optim::Diverged(\"the loss", case("e2e", "NonFinite.Skip*")),
    ("a grid of each rank's own", "src/engine/leaves.cpp", "sums.tile(tile, exponents[tile.tensor], leaves.total, first,",
     "sums.tile(tile, exponents[tile.tensor], leaves.mine.size(), first,", case("e2e", "*SameBits*adam_double*")),
    ("the trace is not cut back", "src/io/published_trace.cpp", "steps_ = cut ? rows_until(steps, *cut) : steps.size();",
     "steps_ = steps.size();", case("io", "Traces.Resume*")),
    ("begun anew at every start", "src/train/resume.cpp", "    if (!run_.options.fresh) {\n", "    if (false) {\n", fault("F1")),
    ("a checkpoint of another run is intact", "src/inspect/contradictions.cpp", "if (!c.row_mark ||", "if (c.row_mark ||",
     case("e2e", "LostFiles.ACheckpointOfAnother*")),
    ("writes into another's directory", "src/run/writer.cpp", "    lock_.expect_locked(directory_.root);\n", "",
     case("run", "Writers.NothingIsWritten*")),
    ("waits for ever at the start", "src/comm/patience.cpp", "if (seconds <= 0) return;", "if (seconds <= 1e9) return;",
     case("comm", "PatienceDeathTest.Ends*")),
]


def build(target):
    done = subprocess.run(["ninja", "-C", "build", *dict.fromkeys(["talweg_program", target])], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"it does not build:\n{done.stdout[-3000:]}")


def passes(test):
    try:
        return subprocess.run(test, capture_output=True, timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main():
    chosen = [m for m in MUTANTS if not sys.argv[1:] or m[0] in sys.argv[1:]]
    for target, test in {m[4][0]: m[4] for m in chosen}.values():
        build(target)
    for test in {tuple(m[4][1]) for m in chosen}:
        if not passes(test):
            sys.exit(f"it fails without a mutant: {' '.join(test)}")
    alive = []
    for name, file, old, new, (target, test) in chosen:
        path = pathlib.Path(file)
        text = path.read_text()
        if text.count(old) != 1:
            sys.exit(f"{name}: found {text.count(old)} times in {file}, expected once: {old}")
        path.write_text(text.replace(old, new))
        build(target)
        caught = not passes(test)
        path.write_text(text)
        print(f"{name}: {'caught' if caught else 'NOT caught'} by {' '.join(test[-2:])}", flush=True)
        if not caught:
            alive.append(name)
    print(f"\n{len(chosen) - len(alive)} of {len(chosen)} mutants caught")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the house: rooms include downwards only, each library shows in one room, files stay small. check_layers.py [ROOT] | --self-test"""
import pathlib
import re
import sys
import tempfile

# A room may include itself and the rooms named here, nothing else.
EDGES = {
    "base": [],
    "math": ["base"],
    "h5": ["base"],
    "comm": ["base"],
    "data": ["base", "math"],
    "model": ["base", "math", "data"],
    "optim": ["base", "math"],
    "io": ["base", "math", "h5"],
    "engine": ["base", "math", "data", "model", "comm", "optim"],
    "report": ["base"],
    "run": ["base", "math", "comm", "io"],
    "train": ["base", "math", "data", "model", "comm", "optim", "engine", "io", "run", "report"],
    "inspect": ["base", "io", "report"],
    "bench": ["base", "math", "comm", "optim", "engine", "train", "report"],
    "control": ["base", "math", "data", "model", "comm", "optim", "engine", "io", "train", "report", "inspect", "bench"],
    "apps": ["control"],
}
# include/talweg is what an embedding program writes against: each header, and the room that implements it. All other headers
# lie next to their sources.
PUBLIC = {
    "config": "base", "error": "base", "log": "base", "meter": "base", "signals": "base",
    "layout": "math", "proximal": "math", "state": "math", "sums": "math",
    "communicator": "comm",
    "examples": "data",
    "objective": "model", "terms": "model",
    "method": "optim", "oracle": "optim", "rule": "optim", "vector_space": "optim",
    "summary": "report",
    "train": "train",
}
# A library's headers and the rooms that may see them.
LIBRARIES = {
    r"mpi\.h": ["comm"],
    r"hdf5(_hl)?\.h": ["h5"],
    r"(tbb|oneapi)/": ["math"],
    r"Eigen/": ["math"],
    r"(toml\+\+|toml)": ["base"],
    r"Random123/": ["base"],
    r"CLI/": ["control"],
    r"zlib\.h": ["data", "io"],
    r"xxhash\.h": ["data", "io"],
    r"nlohmann/": ["report"],
}
# Libraries that cost the compiler seconds in every file that sees them: never in a header.
IN_SOURCES_ONLY = re.compile(r"(nlohmann|CLI|toml\+\+|Eigen)/")
LONGEST = 400
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    parts = path.parts
    if parts[0] == "apps":
        return "apps"
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else None
    return PUBLIC.get(path.stem) if parts[:2] == ("include", "talweg") and len(parts) == 3 else None


def included_room(name):
    parts = pathlib.PurePosixPath(name).parts
    if parts[0] == "talweg":
        return PUBLIC.get(pathlib.PurePosixPath(name).stem, "nowhere")
    return parts[0] if len(parts) > 1 and parts[0] in EDGES else None


def faults_of(path, text):
    room = room_of(path)
    if room not in EDGES:
        if path.parts[0] == "include":
            yield f"{path}: not among the public headers (PUBLIC in {pathlib.Path(__file__).name})"
        else:
            yield f"{path}: in no known room ({', '.join(EDGES)})"
        return
    if not text.startswith("// SPDX-License-Identifier: Apache-2.0\n"):
        yield f"{path}: the first line is not the SPDX licence"
    if path.suffix == ".hpp" and "#pragma once" not in text:
        yield f"{path}: no #pragma once"
    lines = text.count("\n")
    if lines > LONGEST:
        yield f"{path}: {lines} lines, expected at most {LONGEST}"
    for kind, name in INCLUDE.findall(text):
        other = included_room(name)
        if other is not None:
            if other != room and other not in EDGES[room]:
                yield f"{path}: includes {name}: {room} may not see {other}"
            if path.parts[0] == "include" and not name.startswith("talweg/"):
                yield f"{path}: includes {name}, which is not installed: a public header includes public ones only"
            continue
        if path.suffix == ".hpp" and IN_SOURCES_ONLY.match(name):
            yield f"{path}: includes {name}: a header may not"
        for library, rooms in LIBRARIES.items():
            if re.match(library, name) and room not in rooms:
                yield f"{path}: includes {name}: only {', '.join(rooms)} may"


def check(root):
    files = [p for folder in ("src", "include", "apps") for p in sorted((root / folder).rglob("*")) if p.suffix in (".cpp", ".hpp")]
    found = [fault for p in files for fault in faults_of(p.relative_to(root), p.read_text())]
    return files, found


def self_test():
    """Every kind of fault in an invented tree is found, and a correct tree passes."""
    licence = "// SPDX-License-Identifier: Apache-2.0\n"
    cases = {
        "src/math/up.cpp": (licence + '#include "engine/engine.hpp"\n', "math may not see engine"),
        "src/model/private.cpp": (licence + '#include "optim/first_order.hpp"\n', "model may not see optim"),
        "src/train/mpi.cpp": (licence + "#include <mpi.h>\n", "only comm may"),
        "src/io/hdf5.cpp": (licence + "#include <hdf5.h>\n", "only h5 may"),
        "src/inspect/engine.cpp": (licence + '#include "engine/engine.hpp"\n', "inspect may not see engine"),
        "src/inspect/train.cpp": (licence + '#include "talweg/train.hpp"\n', "inspect may not see train"),
        "src/report/json.hpp": (licence + "#pragma once\n#include <nlohmann/json.hpp>\n", "a header may not"),
        "src/train/json.cpp": (licence + "#include <nlohmann/json.hpp>\n", "only report may"),
        "src/engine/tbb.cpp": (licence + "#include <tbb/parallel_for.h>\n", "only math may"),
        "src/data/toml.cpp": (licence + "#include <toml++/toml.h>\n", "only base may"),
        "src/base/licence.cpp": ("// no licence\n", "SPDX"),
        "include/talweg/log.hpp": (licence, "pragma once"),
        "src/base/long.cpp": (licence + "//\n" * LONGEST, "lines, expected at most"),
        "src/cellar/wine.cpp": (licence, "in no known room"),
        "src/math/public.cpp": (licence + '#include "talweg/train.hpp"\n', "math may not see train"),
        "src/train/gone.cpp": (licence + '#include "talweg/gone.hpp"\n', "may not see nowhere"),
        "include/talweg/wine.hpp": (licence + "#pragma once\n", "not among the public headers"),
        "include/talweg/method.hpp": (licence + '#pragma once\n#include "optim/undo.hpp"\n', "not installed"),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, (text, _) in cases.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        _, found = check(root)
        for name, (_, expected) in cases.items():
            if not any(f.startswith(name) and expected in f for f in found):
                sys.exit(f"self-test: the fault in {name} was not found; found {found}")
        if len(found) != len(cases):
            sys.exit(f"self-test: {len(found)} faults found, expected {len(cases)}: {found}")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        good = root / "src/engine/good.cpp"
        good.parent.mkdir(parents=True)
        good.write_text(licence + '#include "talweg/objective.hpp"\n#include "engine/other.hpp"\n#include <vector>\n')
        if check(root)[1]:
            sys.exit(f"self-test: a correct tree was refused: {check(root)[1]}")
    print("self-test: every fault is found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    files, found = check(root)
    if not files:
        sys.exit(f"{root}: found no sources")
    for fault in found:
        print(fault)
    lengths = sorted(p.read_text().count("\n") for p in files)
    print(f"{len(files)} files, median {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}; {len(found)} faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

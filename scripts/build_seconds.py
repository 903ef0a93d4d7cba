#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which room takes the compiler how long: sums the seconds of the objects in Ninja's log. build_seconds.py BUILD [OTHER_BUILD]

Each argument is a build folder or a .ninja_log. An object's seconds are those between the start and the end of its compiler, so
builds are comparable only when they ran with as many jobs on equally idle machines. An object that was compiled several times
counts with its last time, and one that is gone from the folder does not count."""
import collections
import pathlib
import re
import sys

WORST = 10
TARGET = re.compile(r"(tests/)?CMakeFiles/([^/]+)\.dir/(.+)\.(o|gch)$")


def room_of(target):
    return re.sub(r"^talweg_", "", target)


def read(build):
    """Seconds of each object: {(room, object): seconds}."""
    folder = pathlib.Path(build)
    log = folder / ".ninja_log" if folder.is_dir() else folder
    found = {}
    lines = log.read_text().splitlines()
    if not lines or not lines[0].startswith("# ninja log v"):
        sys.exit(f"{log}: not a log of Ninja")
    for line in lines[1:]:
        start, end, _, output, _ = line.split("\t")
        match = TARGET.search(output)
        if match and (log == folder or (folder / output).exists()):
            found[room_of(match[2]), match[3]] = (int(end) - int(start)) / 1000
    return found


def show(builds):
    """A row for each room: objects and seconds in each build."""
    rooms = collections.defaultdict(lambda: [[0, 0.0] for _ in builds])
    for k, objects in enumerate(builds):
        for (room, _), seconds in objects.items():
            for name in (room, "all"):
                rooms[name][k][0] += 1
                rooms[name][k][1] += seconds
    total = rooms.pop("all")
    print(f"{'room':20}" + "  objects  seconds" * len(builds))
    for name, row in [*sorted(rooms.items(), key=lambda item: -item[1][0][1]), ("all", total)]:
        print(f"{name:20}" + "".join(f"{count:9}{seconds:9.1f}" for count, seconds in row))
    for objects in builds:
        print(f"\nthe {WORST} slowest objects:")
        for (room, name), seconds in sorted(objects.items(), key=lambda item: -item[1])[:WORST]:
            print(f"{seconds:9.1f}  {room:16} {name}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.splitlines()[0])
    show([read(build) for build in sys.argv[1:]])


if __name__ == "__main__":
    main()

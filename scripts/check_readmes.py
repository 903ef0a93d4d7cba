#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the documentation: check_readmes.py [ROOT] | --self-test

Every top-level folder and every room of src has a README.md, src/README.md names every room, links from one file to another resolve
(files, folders and #headings), and the README.md at the root is short enough to be read.
"""
import pathlib
import re
import sys
import tempfile
import urllib.parse

LONGEST = 12_000  # bytes of the README.md at the root
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^|(?<=\n\n))(?:(?: {4}|\t)[^\n]*\n?)+")  # a block of code
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def folders_of(root):
    """The top-level folders of the repository, without builds, runs and hidden ones."""
    return [p for p in sorted(root.iterdir()) if p.is_dir() and not p.name.startswith((".", "build", "runs"))]


def prose_of(text):
    """The text without code, in which brackets are no links."""
    return re.sub(r"`[^`\n]*`", "``", INDENTED.sub("", FENCE.sub("", text)))


def anchors_of(text):
    """The anchors (#...) that GitHub and GitLab create from the headings of a file."""
    anchors, seen = set(), {}
    for heading in HEADING.findall(FENCE.sub("", text)):
        heading = LINK.sub(lambda m: m.group(0)[m.group(0).index("[") + 1 : m.group(0).rindex("](")], heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = seen.get(anchor, 0)
        seen[anchor] = number + 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


def broken_links(root, file):
    text = file.read_text()
    for link in LINK.findall(prose_of(text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue  # another site
        name, _, anchor = urllib.parse.unquote(link).partition("#")
        target = (file.parent / name).resolve() if name else file
        where = file.relative_to(root)
        if not target.is_relative_to(root):
            yield f"{where}: links to {link}, outside of the repository"
        elif not target.exists():
            yield f"{where}: links to {link}, which does not exist"
        elif anchor and (target.is_dir() or anchor not in anchors_of(target.read_text())):
            yield f"{where}: links to {link}, found no such heading"


def check(root):
    root = root.resolve()
    folders = folders_of(root)
    rooms = [p for p in folders_of(root / "src")] if (root / "src").is_dir() else []
    faults = [f"{p.relative_to(root)}: no README.md" for p in [root, *folders, *rooms] if not (p / "README.md").is_file()]
    if (house := root / "src/README.md").is_file():
        text = house.read_text()
        faults += [f"src/README.md: does not name the room {p.name}/" for p in rooms if not re.search(rf"\b{p.name}/", text)]
    files = sorted([*root.glob("*.md"), *(f for folder in folders for f in folder.rglob("*.md"))])
    for file in files:
        faults += broken_links(root, file)
    if (first := root / "README.md").is_file() and (size := first.stat().st_size) >= LONGEST:
        faults.append(f"README.md: {size} bytes, expected fewer than {LONGEST}: move details to the folder they are about")
    return files, faults


def self_test():
    """Every kind of fault in an invented tree is found, and a correct tree passes."""
    right = {
        "README.md": "# Here\n[house](src/README.md#the-house) [twice](src/README.md#more-1) [out](https://example.org)\n\n"
        "    code[0](nowhere)\n\n```\n[no link](nowhere)\n```\n`a[1](nowhere)` [folder](src) [itself](#here)\n",
        "src/README.md": "# The house\n\nbase/ all\n\n## `More`!\n\n## More\n",
        "src/base/README.md": "# base\n[up](../README.md)\n",
        "build-x/none.txt": "",
    }
    wrong = {
        "tests/none.txt": ("", "tests: no README.md"),
        "src/math/none.txt": ("", "src/math: no README.md"),
        "src/h5/README.md": ("# h5\n", "src/README.md: does not name the room h5/"),
        "apps/README.md": ("# a\n[b](gone.md)\n", "apps/README.md: links to gone.md, which does not exist"),
        "configs/README.md": ("# a\n[b](../README.md#gone)\n", "configs/README.md: links to ../README.md#gone, found no such heading"),
        "include/README.md": ("# a\n![b](../../b.png)\n", "include/README.md: links to ../../b.png, outside of the repository"),
        "scripts/README.md": ("# a\n| [b \\| c](c.sh) |\n", "scripts/README.md: links to c.sh, which does not exist"),
        "README.md": ("# a\n" + "long\n" * (LONGEST // 5), "bytes, expected fewer than"),
    }

    def faults_with(files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check(pathlib.Path(folder))[1]

    if found := faults_with(right):
        sys.exit(f"self-test: a correct tree was refused: {found}")
    for name, (text, expected) in wrong.items():
        found = faults_with(right | {name: text})
        if not any(expected in fault for fault in found):
            sys.exit(f"self-test: the fault in {name} was not found; found {found}")
    print("self-test: every fault is found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    files, faults = check(root)
    for fault in faults:
        print(fault)
    print(f"{len(files)} files; {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()

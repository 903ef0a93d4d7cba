# SPDX-License-Identifier: Apache-2.0
"""Configs and data files changed at random: `talweg check` accepts them, or refuses them with one of its codes and a message."""
import re
import resource
import struct
import subprocess

import numpy

from rig import SOURCE, expect

REFUSALS = {0, 64, 65, 66, 77, 78}
MEMORY = 4 << 30  # bytes a file of some kilobytes may make the program ask for, libraries included
TOKENS = ["0", "-1", "1e308", "-1e-308", "nan", "inf", "-inf", "9223372036854775807", "9223372036854775808", '""', "[]", "{}", "true",
          '"\\u0000"', "[[[[[[]]]]]]", "1979-05-27", '"x"', "0x7fffffff", "1e400", "'", '"', "=", "[", "]]", "#", "\n"]


def checked(rig, config, about):
    """`about`: files, or keys, of which one must be named by a refusal, if not a data file the config speaks of."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731
    try:
        done = subprocess.run([rig.talweg, "check", str(config)], capture_output=True, timeout=60, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        done = None
    kept = config.read_bytes()[:2000]
    expect(done is not None, f"no end in 60 s:\n{kept!r}")
    said = done.stderr.decode(errors="replace")
    expect(done.returncode in REFUSALS, f"exit code {done.returncode}\n{said}\n{kept!r}")
    data = re.search(r": (\S+): cannot open", said)
    text = re.sub("/+", "/", config.read_text(errors="replace"))
    named = any(name in said for name in about) or (data and data[1].removeprefix(f"{config.parent}/") in text)
    expect(done.returncode == 0 or named, f"neither file nor key is named:\n{said}\n{kept!r}")


def changed(random, content):
    """A few bytes changed, cut, doubled or inserted."""
    content = bytearray(content)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(content) + 1)
        length = random.choice([1, 1, 2, 4, 8, 64])
        match random.randrange(5):
            case 0 if at < len(content):
                content[at] ^= 1 << random.randrange(8)
            case 1:
                del content[at:at + length]
            case 2:
                content[at:at] = content[at:at + length]
            case 3:
                content[at:at] = random.choice(TOKENS).encode()
            case _:
                content[at:at + length] = random.randbytes(length)
    return bytes(content)


def config_changed(rig, trial, trials):
    """A config of the repository: bytes, lines and values."""
    seeds = sorted([*SOURCE.glob("configs/*.toml"), *SOURCE.glob("configs/bench/*.toml")])
    seed = seeds[trial % len(seeds)]
    text = seed.read_text().replace('"../data/', f'"{SOURCE}/configs/data/').replace('"data/', f'"{SOURCE}/configs/data/')
    lines = text.splitlines()
    match rig.random.randrange(4):
        case 0:
            text = "\n".join(lines + [rig.random.choice(lines)])
        case 1:
            k = rig.random.randrange(len(lines))
            lines[k] = lines[k].split("=")[0] + "= " + rig.random.choice(TOKENS)
            text = "\n".join(lines)
        case 2:
            rig.random.shuffle(lines)
            text = "\n".join(lines)
        case _:
            text = changed(rig.random, text.encode())
    file = rig.folder / "changed.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    checked(rig, file, [file.name])


def data_files(folder):
    """A small whole file of each format, and its [data]."""
    rows = numpy.arange(60.0).reshape(20, 3) % 7
    (folder / "rows.csv").write_text("".join(f"{a},{b},{int(c) % 2}\n" for a, b, c in rows))
    (folder / "rows.svm").write_text("".join(f"{int(c) % 2} 1:{a} 3:{b}\n" for a, b, c in rows))
    numpy.save(folder / "rows.npy", rows)
    numpy.save(folder / "labels.npy", numpy.arange(20) % 2)
    (folder / "rows-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 20, 3, 3) + bytes(range(180)))
    (folder / "labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + bytes(k % 2 for k in range(20)))
    return [("rows.csv", '{path = "rows.csv", label_column = "last"}'), ("rows.svm", '"rows.svm"'),
            ("rows.npy", '{path = "rows.npy", labels = "labels.npy"}'), ("labels.npy", '{path = "rows.npy", labels = "labels.npy"}'),
            ("rows-idx3-ubyte", '{path = "rows-idx3-ubyte", labels = "labels-idx1-ubyte"}'),
            ("labels-idx1-ubyte", '{path = "rows-idx3-ubyte", labels = "labels-idx1-ubyte"}')]


def data_changed(rig, trial, trials):
    """A file of data of each format."""
    folder = rig.folder / "fuzz"
    folder.mkdir(exist_ok=True)
    kinds = data_files(folder)
    name, train = kinds[trial % len(kinds)]
    file = folder / name
    whole = file.read_bytes()
    if trial < len(kinds):  # unchanged, it is taken
        content = whole
    else:
        content = whole[:rig.random.randrange(len(whole))] if rig.random.random() < 0.2 else changed(rig.random, whole)
    file.write_bytes(content)
    config = folder / "data.toml"
    config.write_text(f'[data]\ntrain = {train}\n[model]\nkind = "linear"\nloss = "cross_entropy"\n[method]\nname = "sgd"\n[run]\nepochs = 1\n')
    checked(rig, config, [*(n for n, _ in kinds), config.name, "model.loss"])

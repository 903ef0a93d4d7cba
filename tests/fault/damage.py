# SPDX-License-Identifier: Apache-2.0
"""Damage to the newest checkpoint: it is refused by name, and the run resumes from the older one to the same bits."""
import shutil

from rig import expect, newest, step_of

RESUMED = 25  # every RESUMED-th trial resumes the run as well


def refused(rig, trial, content, about):
    """Replaces the newest checkpoint by `content`."""
    file = rig.folder / "damaged.h5"
    file.write_bytes(content)
    told = rig.tool("verify", file)
    expect(told.returncode == 65 and file.name in told.stdout, f"{about}: exit code {told.returncode}, expected 65\n{told.stdout}{told.stderr}")
    if trial % RESUMED != 0:
        return
    run = rig.new_run()
    shutil.copytree(rig.quiet, run)
    older = sorted(run.glob("checkpoints/step-*.h5"))
    expect(len(older) > 1, "the undisturbed run kept one checkpoint alone")
    newest(run).write_bytes(content)
    said = rig.finish(run, newest=step_of(older[-2]))
    expect(older[-1].name in said, f"{about}: the damaged checkpoint is not named:\n{said}")
    shutil.rmtree(run)


def cut(rig, trial, trials):
    """Truncated at every 512 bytes, in turn where there are fewer trials."""
    whole = newest(rig.quiet).read_bytes()
    places = -(-len(whole) // 512)
    at = 512 * (trial * max(1, places // trials) % places)
    refused(rig, trial, whole[:at], f"cut at {at} of {len(whole)}")


def bit_flipped(rig, trial, trials):
    content = bytearray(newest(rig.quiet).read_bytes())
    at, bit = rig.random.randrange(len(content)), rig.random.randrange(8)
    content[at] ^= 1 << bit
    refused(rig, trial, bytes(content), f"bit {bit} of byte {at}")

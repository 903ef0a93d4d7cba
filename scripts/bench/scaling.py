#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The time of a step over the number of nodes, for the three placements: scaling.py [--quick] [--tcp] [-o FILE.png]

1. counts   1 to 8 ranks, each as a node of its own, on this machine (more ranks than cores: their times mean nothing): messages and bytes
            that rank 0 hands to collectives in a step, as the meter of `talweg bench` counts them, beside those of the model.
2. tcp      (--tcp, as root) two hosts made of network namespaces, joined by a cable of their own (veth) with and without a limit to its
            speed: latency and bandwidth from plain sums, then steps beside what the model makes of them. What was made
            is removed again.
3. carried  compute and update measured here on one node of all cores, steps predicted to 1024 nodes for two models on two
            networks; drawn, and the size from which on "sharded" is ahead of "replicated".
The model is in step_model.py. Needs a build in build/ (or $TALWEG_BUILD).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import step_model
from common import TALWEG, check_build, environment, machine, run, write_problem
from hosts import Hosts
from step_model import Network, Node

PLACEMENTS = ["coordinator", "replicated", "sharded"]
SMALL, MIDDLE, LARGE = [64, 128, 10], [784, 512, 512, 10], [784, 5248, 5248, 10]
NETWORKS = [Network(50e-6, 8 / 10e9, "10 Gb/s, 50 µs"), Network(2e-6, 8 / 100e9, "100 Gb/s, 2 µs")]
# name, parameters, flop per example and gradient: an MLP's, about 2 (2 + s) a weight with s near 0.4 and 1
MODELS = [("0.67 M parameters (784-512-512-10)", 669706, 2 * 2.4 * 669706), ("100 M parameters", 100_000_000, 6.0 * 100_000_000)]
BATCH = 256  # per node
COUNTS = [1 << k for k in range(11)]


def bench(prefix, config, seconds, *more):
    text = run([*prefix, TALWEG, "bench", config, "--json", "--seconds", seconds, *more])
    return json.loads(text[text.index("{"):])


def problem(folder, layers, batch, examples=2048):
    path = pathlib.Path(folder) / "-".join(map(str, layers))
    path.mkdir(exist_ok=True)
    return write_problem(path, layers, batch, "adam", 0.001, examples)


def supported(config):
    """The placements this build knows."""
    def knows(placement):
        return subprocess.run([TALWEG, "check", config, "--set", f"run.placement={placement}"], env=environment(), capture_output=True).returncode == 0

    known = [p for p in PLACEMENTS if knows(p)]
    for placement in set(PLACEMENTS) - set(known):
        print(f"(placement {placement} is not in this build: predicted, not checked)")
    return known


# ------------------------------------------------------------------------------------------------------------ counts


def per_step(prefix, config, seconds, placement):
    """Messages and bytes of a step, and the elements of a vector. The bench does not count its first three steps, nor the start of a run."""
    found = bench(prefix, config, seconds, "--threads", 1, "--ranks-per-node", 1, "--set", f"run.placement={placement}")
    return found["messages_per_step"], found["bytes_per_step"], found["expected_bytes"]["sums"] / 8


def check_counts(options):
    print("| net | placement | ranks | messages a step: counted / model | kB a step: counted / model |\n| --- | --- | --- | --- | --- |")
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        known = None
        for layers, batch, seconds in ((SMALL, 64, 0.1), (MIDDLE, 64, 0.5)):
            config = problem(folder, layers, batch)
            known = known or supported(config)
            for placement in known:
                for ranks in (2, 4) if options.quick else range(2, 9):
                    prefix = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks]
                    messages, size, extent = per_step(prefix, config, seconds * ranks / 2, placement)
                    model = step_model.calls(placement, extent, 2 * (len(layers) - 1), ranks)
                    # What stays on the node, where the meter counts it too: the blocks' sums (sharded: between nodes, in the model), a wait.
                    norms = step_model.SUMS_PER_BLOCK * extent / step_model.BLOCK
                    inside = {"coordinator": [], "replicated": [("node", norms)], "sharded": [("node", 8)]}[placement]
                    expected = len(model) + len(inside), sum(b for _, b in model) + sum(b for _, b in inside)
                    row = [str(layers), placement, str(ranks), f"{messages:.2f} / {expected[0]}", f"{size / 1e3:.1f} / {expected[1] / 1e3:.1f}"]
                    print("| " + " | ".join(row) + " |", flush=True)
                    # A gradient that outgrows its grid asks for one more verdict now and then.
                    if abs(messages - expected[0]) > 0.5 or abs(size - expected[1]) > 1000 + 0.01 * expected[1]:
                        wrong.append(f"{placement}, {ranks} ranks, {layers}")
    print("counts: " + ("as the model has them" if not wrong else "DIFFER for " + "; ".join(wrong)), flush=True)
    return not wrong


# --------------------------------------------------------------------------------------------------------------- tcp


def fit(hosts, folder, seconds):
    """Latency and seconds per byte of a message between two hosts, from plain sums: of one word, and as large as the middle net's."""
    found = bench(hosts.launcher(), problem(folder, MIDDLE, 64), seconds, "--threads", 1)["plain_allreduce"]
    calls = -(-found["bytes"] // step_model.PIECE)
    return Network(found["latency_seconds"], max(found["seconds"] - calls * found["latency_seconds"], 0) / found["bytes"])


def check_tcp(options):
    seconds = 1 if options.quick else 3
    for limit in (None, 1000):
        with tempfile.TemporaryDirectory() as folder, Hosts(2, limit) as hosts:
            net = fit(hosts, folder, seconds)
            name = "as fast as the machine" if limit is None else f"at most {limit} Mb/s"
            print(f"\ntwo hosts over TCP, {name}: latency {1e6 * net.alpha:.0f} µs, {8e-9 / net.beta:.2f} Gb/s", flush=True)
            print("| net | placement | exchange, ms a step: measured / model | step, ms: measured / model |\n| --- | --- | --- | --- |")
            for layers in (SMALL, MIDDLE):
                config = problem(folder, layers, 64)
                alone = bench([], config, seconds, "--threads", 1)
                for placement in supported(config):
                    found = [bench(hosts.launcher(), config, seconds, "--threads", 1, "--set", f"run.placement={placement}") for _ in range(1 if options.quick else 3)]
                    times = sorted(found, key=lambda f: f["seconds_per_step"]["all"])[len(found) // 2]["seconds_per_step"]
                    extent = found[0]["expected_bytes"]["sums"] / 8
                    exchange = step_model.exchange(placement, extent, 2, net)
                    share = 0.5 if placement == "sharded" else 1.0
                    one = alone["seconds_per_step"]
                    step = one["leaves"] / 2 + exchange + share * one["update"]
                    outside = times["all"] - times["leaves"] - times["update"]
                    print(f"| {layers} | {placement} | {1e3 * outside:.2f} / {1e3 * exchange:.2f} | {1e3 * times['all']:.2f} / {1e3 * step:.2f} |", flush=True)


# ----------------------------------------------------------------------------------------------------------- carried


def measure_node(options):
    """One node of all this machine's cores."""
    seconds, times = (1, 1) if options.quick else (3, 3)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, layers, batch in (("middle", MIDDLE, BATCH), ("large", LARGE, 64)):
            config = problem(folder, layers, batch)
            runs = [bench([], config, seconds) for _ in range(times)]
            found[name] = {"update": statistics.median(r["seconds_per_step"]["update"] / r["parameters"] for r in runs),
                           "leaves": statistics.median(r["gflops"] * r["seconds_per_step"]["all"] / r["seconds_per_step"]["leaves"] for r in runs)}
    node = Node(flops=found["middle"]["leaves"], update_small=found["middle"]["update"], update_large=found["large"]["update"])
    print(f"\none node here: leaves {node.flops:.0f} GFLOP/s, an update (adam) {1e9 * node.update_small:.2f} ns a parameter in cache, "
          f"{1e9 * node.update_large:.2f} in memory", flush=True)
    return node


def report(node):
    print(f"\nPredicted, {BATCH} examples a node and step, ms a step (compute + exchange + update); share of the time that is compute")
    print("| model | network | nodes | " + " | ".join(PLACEMENTS) + " |\n| --- | --- | --- | --- | --- | --- |")
    for name, parameters, flop in MODELS:
        for net in NETWORKS:
            for nodes in (2, 8, 64, 1024):
                cells = []
                for placement in PLACEMENTS:
                    compute, exchange, update = step_model.step(placement, parameters, nodes, net, node, flop, BATCH)
                    whole = compute + exchange + update
                    cells.append(f"{1e3 * whole:.2f} ({100 * compute / whole:.0f} %)")
                print(f"| {name} | {net.name} | {nodes} | " + " | ".join(cells) + " |")
    print()
    for net in NETWORKS:
        sizes = {nodes: step_model.switch(nodes, net, node) for nodes in (2, 8, 64, 1024)}
        print(f"{net.name}: sharded is ahead of replicated from " + ", ".join(
            f"{size / 1e6:.2g} M parameters on {nodes} nodes" if size else f"(never on {nodes})" for nodes, size in sizes.items()))
    print("coordinator sends the point on top of replicated's sums and is never ahead in time; its other nodes hold no state:")
    for name, parameters, _ in MODELS:
        print(f"  {name}, adam, MB a node beside data and activations, 64 nodes: " + ", ".join(
            f"{placement} {here / 1e6:.1f}" + (f" on rank 0, {other / 1e6:.1f} elsewhere" if here != other else "")
            for placement in PLACEMENTS for here, other in [step_model.memory(placement, parameters, 64)]))


def draw(node, output):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = dict(zip(PLACEMENTS, ("#D55E00", "#0072B2", "#009E73")))  # Okabe and Ito's: distinguishable for colour-blind readers too
    styles = dict(zip(PLACEMENTS, ("--", "-", "-.")))
    figure, panels = plt.subplots(2, 2, figsize=(10, 7), sharex=True)
    for row, (name, parameters, flop) in zip(panels, MODELS):
        for panel, net in zip(row, NETWORKS):
            for placement in PLACEMENTS:
                times = [1e3 * sum(step_model.step(placement, parameters, n, net, node, flop, BATCH)) for n in COUNTS]
                panel.plot(COUNTS, times, styles[placement], color=colours[placement], marker=".", label=placement)
            compute = 1e3 * step_model.step("replicated", parameters, 1, net, node, flop, BATCH)[0]
            panel.axhline(compute, color="black", linewidth=0.8, linestyle=":", label="compute alone")
            panel.set_title(f"{name}\n{net.name}", fontsize=10)
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.xaxis.set_major_formatter(lambda n, _: f"{n:.0f}")
            panel.yaxis.set_major_formatter(lambda t, _: f"{t:g}")
            panel.yaxis.set_minor_formatter(lambda t, _: f"{t:g}")
            panel.tick_params(axis="y", which="minor", labelsize=8)
            panel.grid(alpha=0.25, which="both")
            panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[1]:
        panel.set_xlabel(f"nodes, {BATCH} examples each")
    for row in panels:
        row[0].set_ylabel("ms a step (predicted)")
    panels[0][0].legend(frameon=False, fontsize=9)
    figure.tight_layout()
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=120)
    print(f"\ndrawn: {output}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: fewer ranks, shorter runs")
    parser.add_argument("--tcp", action="store_true", help="two hosts made of network namespaces (root, iproute2)")
    parser.add_argument("--only", choices=["counts", "tcp", "carried"], action="append")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="picture; none is drawn without it")
    options = parser.parse_args()
    if options.tcp and os.geteuid() != 0:
        parser.error("--tcp makes network namespaces: only root may")
    check_build()
    print(machine() + "\n", flush=True)
    parts = options.only or ["counts", "tcp", "carried"]
    right = check_counts(options) if "counts" in parts else True
    if options.tcp and "tcp" in parts:
        check_tcp(options)
    if "carried" in parts:
        node = measure_node(options)
        report(node)
        if options.output:
            draw(node, options.output)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()

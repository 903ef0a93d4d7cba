# SPDX-License-Identifier: Apache-2.0
"""Time of a step over nodes, one rank each, from compute, update, latency and bandwidth; and what rank 0 hands to collectives.

A message of n bytes takes alpha + n beta. Collectives over N nodes, each by the better of its usual algorithms (Thakur, Rabenseifner
and Gropp 2005); additions run at memory speed and are left out:
    allreduce        log2 N (alpha + n beta)          or  2 log2 N alpha + 2 (N-1)/N n beta
    broadcast        log2 N (alpha + n beta)          or  (log2 N + N - 1) alpha + 2 (N-1)/N n beta
    reduce-scatter   log2 N alpha + (N-1)/N n beta
    allgather        log2 N alpha + (N-1)/N n beta    or the same with (N - 1) alpha, whichever Open MPI takes: the former
Sums travel in calls of at most PIECE bytes.
"""
import dataclasses
import math

PIECE = 1 << 20      # bytes of one call, where a vector is sent in pieces
BLOCK = 4096         # parameters whose sums (gradient, update, point) are one entry
SUMS_PER_BLOCK = 32  # bytes
SMALL = 600          # bytes of a header, a verdict, the value's digits: latency alone matters


@dataclasses.dataclass(frozen=True)
class Network:
    alpha: float  # s
    beta: float   # s per byte
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Node:
    """The speed of one node alone."""

    flops: float            # GFLOP/s of leaves
    update_small: float     # s per parameter, the vectors in cache
    update_large: float     # s per parameter, in memory
    cache: float = 3.2e7    # bytes: beyond it an update runs in memory

    def update(self, parameters, bytes_per_parameter=32):
        return parameters * (self.update_small if parameters * bytes_per_parameter < self.cache else self.update_large)


def rounds(nodes):
    return math.ceil(math.log2(nodes)) if nodes > 1 else 0


def allreduce(nodes, size, net):
    share = 2 * (nodes - 1) / nodes
    return min(rounds(nodes) * (net.alpha + size * net.beta), 2 * rounds(nodes) * net.alpha + share * size * net.beta)


def broadcast(nodes, size, net):
    share = 2 * (nodes - 1) / nodes
    return min(rounds(nodes) * (net.alpha + size * net.beta), (rounds(nodes) + nodes - 1) * net.alpha + share * size * net.beta)


def scatter_or_gather(nodes, size, net):
    return rounds(nodes) * net.alpha + (nodes - 1) / nodes * size * net.beta


KINDS = {"allreduce": allreduce, "broadcast": broadcast, "reduce_scatter": scatter_or_gather, "allgather": scatter_or_gather}


def calls(placement, extent, tensors=6, nodes=2):
    """What one step of a first-order rule asks of the collectives between nodes: [(kind, bytes)]. Sums are double, points float."""
    def pieces(kind, size, piece=PIECE):
        whole, rest = divmod(size, piece)
        return [(kind, piece)] * int(whole) + ([(kind, rest)] if rest else [])

    sums = 8 * extent
    verdict, digits = ("allreduce", 4 * (4 + tensors)), ("allreduce", 552)
    header = ("broadcast", SMALL)
    if placement == "coordinator":
        return [header, *pieces("broadcast", 4 * extent), verdict, *pieces("allreduce", sums), digits]
    if placement == "replicated":
        return [header, verdict, *pieces("allreduce", sums), digits]
    if placement == "sharded":
        # A call takes PIECE / 8 / nodes elements of every node's piece.
        per_call = max(1, PIECE // 8 // nodes) * nodes * 8
        norms = [("allreduce", SUMS_PER_BLOCK * max(1, round(extent / BLOCK)))]
        return [header, ("allgather", 4 * extent), verdict, *pieces("reduce_scatter", sums, per_call), digits, *norms]
    raise ValueError(placement)


def exchange(placement, parameters, nodes, net):
    if nodes == 1:
        return 0.0
    return sum(KINDS[kind](nodes, size, net) for kind, size in calls(placement, parameters, nodes=nodes))


def step(placement, parameters, nodes, net, node, flop_per_example, batch_per_node):
    """Seconds of compute, exchange, update."""
    compute = flop_per_example * batch_per_node / (node.flops * 1e9)
    update = node.update(parameters / nodes if placement == "sharded" else parameters)
    return compute, exchange(placement, parameters, nodes, net), update


def memory(placement, parameters, nodes, method_vectors=2):
    """Bytes on a node beside data and activations: point, method's state, exact sums; (on rank 0's node, on another)."""
    point, state, sums = 4 * parameters, 4 * parameters * method_vectors, 8 * parameters
    if placement == "coordinator":
        return point + state + sums, point + sums
    each = point + sums + (state / nodes if placement == "sharded" else state)
    return each, each


def switch(nodes, net, node):
    """The number of parameters from which on sharded is ahead of replicated; None within a billion when it never is."""
    def ahead(parameters):
        times = [sum(step(p, parameters, nodes, net, node, 0, 0)) for p in ("replicated", "sharded")]
        return times[1] < times[0]

    size = 1 << 10
    while size < 1 << 30:
        if ahead(size) and ahead(2 * size):
            return size
        size = int(size * 1.1) + 1
    return None

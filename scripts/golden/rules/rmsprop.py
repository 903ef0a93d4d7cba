# SPDX-License-Identifier: Apache-2.0
"""torch.optim.RMSprop; TensorFlow 1's ApplyRMSProp and ApplyCenteredRMSProp; Keras' RMSprop; for nesterov Optax' trace, which
stands behind the learning rate there, and before it where torch has its buffer."""
import numpy
import torch
from harness import by_torch, case, reference, soft

by_torch_rmsprop = by_torch(lambda w, p: torch.optim.RMSprop(w, lr=1, alpha=p["rho"], eps=p["epsilon"],
                                                             momentum=p.get("momentum", 0), centered=p.get("centered", False)))


@reference
def kernel(x, p):
    s, q, b = numpy.full_like(x, p["initial_accumulator"]), numpy.zeros_like(x), numpy.zeros_like(x)
    mu = p.get("momentum", 0)
    while True:
        lr, g = yield x
        s = s + (1 - p["rho"]) * (g * g - s)
        q = q + (1 - p["rho"]) * (g - q)
        u = lr * g / numpy.sqrt(s - (q * q if p.get("centered") else 0) + p["epsilon"])
        b = mu * b + u
        x = x - (u + mu * b if p.get("nesterov") else b)


@reference
def keras(x, p):
    velocity, average, momentum = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x)
    while True:
        lr, g = yield x
        velocity = p["rho"] * velocity + (1 - p["rho"]) * numpy.square(g)
        denominator = velocity + p["epsilon"]
        if p.get("centered"):
            average = p["rho"] * average + (1 - p["rho"]) * g
            denominator = velocity - numpy.square(average) + p["epsilon"]
        momentum = p.get("momentum", 0) * momentum + lr * g / numpy.sqrt(denominator)
        x = x - momentum


@reference
def traced(x, p):
    """trace(decay, nesterov=True): f(g, t) = g + decay t, t <- f(g, t), and then f(g, t) goes out."""
    nu, trace = numpy.zeros_like(x), numpy.zeros_like(x)
    while True:
        lr, g = yield x
        nu = (1 - p["rho"]) * g**2 + p["rho"] * nu
        if p.get("dialect", "torch") == "torch":
            update, after = g / (numpy.sqrt(nu) + p["epsilon"]), lr
        else:
            update, after = lr * g / numpy.sqrt(nu + p["epsilon"]), 1
        trace = update + p["momentum"] * trace
        x = x - after * (update + p["momentum"] * trace)


@reference
def proximal(x, p):
    s = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        s = p["rho"] * s + (1 - p["rho"]) * g**2
        step = lr / (numpy.sqrt(s) + p["epsilon"])
        x = soft(x - step * g, step * p["omega_l1"])


START = "lr = 0.1; rho = 0.7; epsilon = 0.01"
for more in ("", "; momentum = 0.6", "; centered = true", "; centered = true; momentum = 0.6"):
    # sqrt(s - q^2) + epsilon magnifies rounding without bound where the gradient stands still, as it does in the open loop.
    case(by_torch_rmsprop, f'name = "rmsprop"; {START}{more}', loops=("closed",) if "centered" in more else ("open", "closed"))
    case(kernel, f'name = "rmsprop"; dialect = "tf1"; {START}; initial_accumulator = 1.0{more}')
for more in ("; momentum = 0.6", "; centered = true", "; centered = true; momentum = 0.6"):
    case(keras, f'name = "rmsprop"; dialect = "keras"; {START}{more}')
for dialect in ("torch", "keras"):
    case(traced, f'name = "rmsprop"; dialect = "{dialect}"; {START}; momentum = 0.6; nesterov = true')
case(kernel, f'name = "rmsprop"; dialect = "tf1"; {START}; initial_accumulator = 1.0; momentum = 0.6; nesterov = true')
case(proximal, f'name = "rmsprop"; {START}', l1=0.4)

# SPDX-License-Identifier: Apache-2.0
"""torch.optim.Adam; TensorFlow 1's ApplyAdam, ApplyAdamWithAmsgrad and Keras' Adam written out (m += (g - m)(1 - beta1), ...);
AMSGrad as in Reddi et al. 2018, without bias correction, and as in optax.amsgrad, the largest of the corrected moments; the nesterov of optax.adam; ProxGen (Yun et al. 2021) on the torch form."""
import numpy
import torch
from harness import by_torch, case, reference, soft

by_torch_adam = by_torch(lambda w, p: torch.optim.Adam(w, lr=1, betas=(p["beta1"], p["beta2"]), eps=p["epsilon"],
                                                       amsgrad=p.get("amsgrad", False)))


@reference
def tf1(x, p):
    b1, b2, eps = p["beta1"], p["beta2"], p["epsilon"]
    m, v, u, t = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = m + (g - m) * (1 - b1)
        v = v + (g * g - v) * (1 - b2)
        u = numpy.maximum(u, v)
        alpha = lr * numpy.sqrt(1 - b2**t) / (1 - b1**t)
        top = m * b1 + (1 - b1) * g if p.get("nesterov") else m
        x = x - top * alpha / (numpy.sqrt(u if p.get("amsgrad") else v) + eps)


@reference
def amsgrad_paper(x, p):
    m, v, u = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x)
    while True:
        lr, g = yield x
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = p["beta2"] * v + (1 - p["beta2"]) * g**2
        u = numpy.maximum(u, v)
        x = x - lr * m / (numpy.sqrt(u) + p["epsilon"])


@reference
def proxgen(x, p):
    m, v, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = p["beta2"] * v + (1 - p["beta2"]) * g**2
        step = lr / (1 - p["beta1"]**t) / (numpy.sqrt(v / (1 - p["beta2"]**t)) + p["epsilon"])
        x = soft(x - step * m, step * p["omega_l1"])


@reference
def optax(x, p):
    m, v, u, t = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = (1 - p["beta1"]) * g + p["beta1"] * m
        v = (1 - p["beta2"]) * g**2 + p["beta2"] * v
        u = numpy.maximum(u, v / (1 - p["beta2"]**t))
        top = m / (1 - p["beta1"]**t)
        if p.get("nesterov"):
            top = p["beta1"] * (m / (1 - p["beta1"]**(t + 1))) + (1 - p["beta1"]) * (g / (1 - p["beta1"]**t))
        second = u if p.get("amsgrad") else v / (1 - p["beta2"]**t)
        x = x - lr * (top / (numpy.sqrt(second) + p["epsilon"]))


BETAS = "lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01"
for dialect in ("torch", "paper", "optax"):
    case(by_torch_adam, f'name = "adam"; dialect = "{dialect}"; {BETAS}')
case(by_torch_adam, f'name = "adam"; {BETAS}; amsgrad = true')
case(amsgrad_paper, f'name = "adam"; dialect = "paper"; {BETAS}; amsgrad = true')
for dialect in ("tf1", "keras"):
    case(tf1, f'name = "adam"; dialect = "{dialect}"; {BETAS}')
    case(tf1, f'name = "adam"; dialect = "{dialect}"; {BETAS}; amsgrad = true')
case(tf1, f'name = "adam"; dialect = "tf1"; {BETAS}; nesterov = true')
case(optax, f'name = "adam"; dialect = "optax"; {BETAS}; amsgrad = true')
case(optax, f'name = "adam"; dialect = "optax"; {BETAS}; nesterov = true')
case(proxgen, f'name = "adam"; {BETAS}', l1=0.4)

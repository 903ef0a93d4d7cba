#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of the update rules from independent implementations: torch.optim in float64 where it has the rule, TensorFlow 1's
kernels (ApplyAdam, as documented in its op registry) written out in NumPy where it has not. Writes tests/golden/rules.csv.

Problem: x in R^4, g_t(x) = a * x + cos(t + j), a = (0.5, 1, 2, 4), x_0 = (1, -2, 3, -4), t = 0, 1, ...
Debian: python3-torch python3-numpy."""
import pathlib

import numpy
import torch

A = [0.5, 1.0, 2.0, 4.0]
START = [1.0, -2.0, 3.0, -4.0]
STEPS = 25

TORCH = {
    'name = "sgd"; lr = 0.1': lambda p: torch.optim.SGD(p, lr=0.1),
    'name = "sgd"; lr = 0.1; weight_decay = 0.3': lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3),
    'name = "momentum"; lr = 0.05; momentum = 0.8': lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8),
    'name = "momentum"; lr = 0.05; momentum = 0.9; dampening = 0.3': lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3),
    'name = "momentum"; lr = 0.05; momentum = 0.9; nesterov = true': lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    'name = "nesterov"; lr = 0.05; momentum = 0.9': lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    'name = "adam"; lr = 0.1': lambda p: torch.optim.Adam(p, lr=0.1),
    'name = "adam"; lr = 0.1; beta1 = 0.8; beta2 = 0.95; epsilon = 0.01': lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=0.01),
}


def by_torch(make):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make([x])
    for t in range(STEPS):
        x.grad = torch.tensor([A[j] * x[j].item() + numpy.cos(t + j) for j in range(4)], dtype=torch.float64)
        optimizer.step()
        yield x.tolist()


def by_tf1_adam(lr, beta1, beta2, epsilon):
    """m += (g - m)(1 - beta1); v += (g^2 - v)(1 - beta2); x -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)"""
    x, m, v = numpy.array(START), numpy.zeros(4), numpy.zeros(4)
    for t in range(STEPS):
        g = numpy.array(A) * x + numpy.cos(t + numpy.arange(4))
        m = m + (g - m) * (1 - beta1)
        v = v + (g * g - v) * (1 - beta2)
        x = x - lr * numpy.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1)) * m / (numpy.sqrt(v) + epsilon)
        yield x.tolist()


def main():
    runs = {name: by_torch(make) for name, make in TORCH.items()}
    runs['name = "adam"; dialect = "tf1"; lr = 0.1'] = by_tf1_adam(0.1, 0.9, 0.999, 1e-8)
    runs['name = "adam"; dialect = "tf1"; lr = 0.1; epsilon = 0.1'] = by_tf1_adam(0.1, 0.9, 0.999, 0.1)
    lines = ["method|step|x0|x1|x2|x3"]
    for name, points in runs.items():
        for t, x in enumerate(points):
            if t < 3 or t % 8 == 0:
                lines.append("|".join([name, str(t + 1)] + [repr(v) for v in x]))
    target = pathlib.Path(__file__).parents[2] / "tests/golden/rules.csv"
    target.write_text("\n".join(lines) + "\n")
    print(f"{target}: {len(lines) - 1} points by torch {torch.__version__} and NumPy {numpy.__version__}")


if __name__ == "__main__":
    main()

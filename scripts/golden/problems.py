# SPDX-License-Identifier: Apache-2.0
"""Shared by the golden tables of the methods with their own step. A file methods/<name>.py holds references that know nothing of
Talweg, each a generator of the points after each step:

    def gd(F, x, p):                    # F: one of the problems below; p: the case's keys of [method]
        while True:
            x = x - p["lr"] * F.gradient(x)
            yield x

    case(gd, 'name = "gd"; lr = 0.5', ["logistic", "sines"], l1=0.0)

Problems of 12 parameters, F = f + l1 |x|_1:
  logistic  mean over i < 15 of log(1 + exp(-b_i a_i'x)) + 0.025 |x - c|^2,  a_ij = cos(1.3 i + 0.7 j + 0.11 i j),
            b_i = sign cos(2.1 i + 0.4)
  sines     sum_j h_j (x_j - c_j)^2 / 2 + sin(2 x_j) / 2 + 0.3 x_j x_{j+1}, not convex, h_j = 0.9 + 0.31 j
  wells     sum_j x_j^4 / 4 - a_j x_j^2 / 2 + 0.02 x_j x_{j+1}, saddles and minima, a_j = 0.6 + 0.1 j
with c_j = cos(1.7 j) (1 + 0.2 j)."""
import tomllib

import numpy
from philox import LAST, normal, uniform

SIZE = 12
J = numpy.arange(SIZE)
START = numpy.array([1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 0.0, 2.0, -0.75, 4.0, -3.0])
CENTRE = numpy.cos(1.7 * J) * (1 + 0.2 * J)
SHOWN = (1, 2, 3, 5, 9, 10, 20, 30)
CASES = []
SEED = 1
PLACES = [*range(8), *range(16, 20)]  # of the elements among the parameters: those of weight, then of bias


def ball(t, r):
    """The noise of step t, uniform in the ball of radius r."""
    u = numpy.array([normal(SEED, t, place) for place in PLACES])
    return r * uniform(SEED, t, LAST - 1) ** (1 / SIZE) * u / numpy.linalg.norm(u)


class Problem:
    def __init__(self, l1):
        self.l1 = l1

    def omega(self, x):
        return self.l1 * numpy.abs(x).sum()

    def prox(self, x, t):
        return numpy.sign(x) * numpy.maximum(numpy.abs(x) - t * self.l1, 0)


class Logistic(Problem):
    I = numpy.arange(15)[:, None]
    A = numpy.cos(1.3 * I + 0.7 * J + 0.11 * I * J)
    B = numpy.sign(numpy.cos(2.1 * I[:, 0] + 0.4))

    def value(self, x):
        return numpy.log1p(numpy.exp(-self.B * (self.A @ x))).mean() + 0.025 * ((x - CENTRE) ** 2).sum()

    def gradient(self, x):
        p = 1 / (1 + numpy.exp(self.B * (self.A @ x)))
        return -(self.A.T @ (self.B * p)) / len(self.B) + 0.05 * (x - CENTRE)


class Sines(Problem):
    H = 0.9 + 0.31 * J

    def value(self, x):
        return (0.5 * self.H * (x - CENTRE) ** 2 + 0.5 * numpy.sin(2 * x) + 0.3 * x * numpy.roll(x, -1)).sum()

    def gradient(self, x):
        return self.H * (x - CENTRE) + numpy.cos(2 * x) + 0.3 * (numpy.roll(x, -1) + numpy.roll(x, 1))


class Wells(Problem):
    A = 0.6 + 0.1 * J

    def value(self, x):
        return (x**4 / 4 - 0.5 * self.A * x * x + 0.02 * x * numpy.roll(x, -1)).sum()

    def gradient(self, x):
        return x**3 - self.A * x + 0.02 * (numpy.roll(x, -1) + numpy.roll(x, 1))


PROBLEMS = {"logistic": Logistic, "sines": Sines, "wells": Wells}


def backtracked(F, x, g, t, p):
    """prox_t(x - t g) and t, with search = "backtracking" once the quadratic model of F at x bounds it there."""
    while True:
        z = F.prox(x - t * g, t)
        d = z - x
        model = F.value(x) + g @ d + d @ d / (2 * t)
        if p.get("search") != "backtracking" or F.value(z) <= model + 1e-13:  # equal but for rounding
            return z, t
        t = t * p["shrink"]


def zero_of_slope(F, x, d):
    """The length at which F's slope along d is 0 but for rounding."""
    low, high = 0.0, 1.0
    while F.gradient(x + high * d) @ d < 0:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if F.gradient(x + middle * d) @ d < 0 else (low, middle)
    return (low + high) / 2


def inverse_hessian(pairs):
    """BFGS's, from the pairs (s, y), oldest first, by its product form; it begins as (s'y / y'y) I of the last."""
    H = numpy.eye(SIZE)
    if pairs:
        s, y = pairs[-1]
        H = H * (s @ y) / (y @ y)
    for s, y in pairs:
        V = numpy.eye(SIZE) - numpy.outer(y, s) / (s @ y)
        H = V.T @ H @ V + numpy.outer(s, s) / (s @ y)
    return H


def case(function, method, problems=("logistic", "sines"), l1=0.0, steps=max(SHOWN)):
    CASES.append((function, method, problems, l1, steps))


def write(name, folder):
    lines = ["method|omega_l1|problem|step|" + "|".join(f"x{j}" for j in range(SIZE))]
    for function, method, problems, l1, steps in CASES:
        for problem in problems:
            run = function(PROBLEMS[problem](l1), START.copy(), tomllib.loads(method.replace("; ", "\n")))
            for step in range(1, steps + 1):
                x = next(run)
                if step in SHOWN:
                    lines.append("|".join([method, repr(l1), problem, str(step)] + [repr(float(v)) for v in x]))
    (folder / "methods" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return len(lines) - 1

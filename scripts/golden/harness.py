# SPDX-License-Identifier: Apache-2.0
"""Shared by the golden tables of the update rules. A file rules/<name>.py holds references that know nothing of Talweg:

    @reference
    def adagrad(x, p):                  # a generator: x the starting point, p the case's keys of [method]
        v = numpy.full_like(x, p["initial_accumulator"])
        while True:
            lr, g = yield x             # this step's learning rate after the schedule, and the gradient at x
            v = v + g * g
            x = x - lr * g / numpy.sqrt(v)

    case(adagrad, 'name = "adagrad"; dialect = "tf1"; lr = 0.3; initial_accumulator = 0.1')

make.py drives each case through two loops of STEPS steps with lr_t = lr / (1 + t / 10):
  open     gradient t is row t of gradients.csv, whatever x is: exact zeros, changing signs, magnitudes 1e-12 to 1e6
  closed   g_j = a_j (x_j - c_j) + 0.3 x_{j+1} x_j / (1 + |x_j|) + 0.5 cos(t + 2.7 j): nothing is symmetric
The 12 parameters are two tensors, weight [4, 2] and bias [4]: tensors(x) gives views of them. `y = yield x, y` takes the gradient
at x while the output, which is what the table holds, is y. Rules that ask for curvature get it from closed_product(x, v), the
derivative of the closed loop's g along v, in both loops, and their random vectors from draws()."""
import tomllib

import numpy

SIZE = 12
STEPS = 40
SHOWN = (1, 2, 3, 5, 9, 10, 20, 30, 40)
J = numpy.arange(SIZE)
START = numpy.array([1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 0.0, 2.0, -0.75, 4.0, -3.0])
CURVATURE = 0.2 + 0.31 * J
CENTRE = numpy.cos(1.7 * J) * (1 + 0.2 * J)
CASES = []


def tensors(x):
    return x[:8].reshape(4, 2), x[8:]


def gradients():
    """[STEPS, SIZE]: one kind of trouble in each column."""
    random = numpy.random.Generator(numpy.random.Philox(7))
    g = random.standard_normal((STEPS, SIZE))
    g[:, 1] *= random.random(STEPS) < 0.5                       # often exactly 0
    g[:, 2] = numpy.abs(g[:, 2]) * (-1) ** numpy.arange(STEPS)  # another sign every step
    g[:, 3] *= 1e-12
    g[:, 4] *= 1e6
    g[:, 5] *= 10.0 ** random.integers(-12, 7, STEPS)
    g[:, 6] = 0
    g[:6, 7] = 0                                                # begins late
    g[10:, 8] = 0                                               # ends early
    g[:, 9] = 0.7                                               # never changes
    g[:, 10] = 1 / (1 + numpy.arange(STEPS))
    return g


def closed(t, x):
    return CURVATURE * (x - CENTRE) + 0.3 * numpy.roll(x, -1) * x / (1 + numpy.abs(x)) + 0.5 * numpy.cos(t + 2.7 * J)


def closed_product(x, v):
    """The derivative of closed(t, x) in x, along v."""
    next_x, next_v = numpy.roll(x, -1), numpy.roll(v, -1)
    return CURVATURE * v + 0.3 * (next_v * x / (1 + numpy.abs(x)) + next_x * v / (1 + numpy.abs(x)) ** 2)


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def draws(number, seed=1, purpose=8):
    """Random vector `number` of a run: signs, and normals by Box & Muller. Element i is keyed by its place among the
    parameters: weight 0 to 7, bias from 16 on, where its tensor begins."""
    key = philox([seed, 0, purpose, 0x7A1E3EED], [purpose, 0x54616C77])[:2]
    signs, normals = [], []
    for place in [*range(8), *range(16, 20)]:
        a, b, c, d = philox([number, 0, place, 0], key)
        u, v = ((a << 32 | b) >> 11) / 2**53, ((c << 32 | d) >> 11) / 2**53
        signs.append(-1.0 if u < 0.5 else 1.0)
        normals.append(numpy.sqrt(-2 * numpy.log(1 - u)) * numpy.cos(2 * numpy.pi * v))
    return numpy.array(signs), numpy.array(normals)


def reference(function):
    return function


def case(function, method, l1=0.0, loops=("open", "closed"), box=None):
    """`l1` > 0: with Omega = l1 |x|_1, `box`: and all |x_j| <= box, which the reference must know by p["omega_l1"] and
    p["omega_box"]."""
    CASES.append((function, method, l1, loops, box))


def soft(x, threshold):
    return numpy.sign(x) * numpy.maximum(numpy.abs(x) - threshold, 0)


def sutskever_momentum(p, t):
    """That of step t, from 1 (Sutskever et al. 2013, equation 5, and the drop of section 3)."""
    most = min(0.9, p["momentum"]) if 0 < p.get("momentum_drop", 0) <= t else p["momentum"]
    return min(1 - 2 ** (-1 - numpy.log2(t // p.get("momentum_stage", 250) + 1)), most)


def by_torch(make):
    """A reference by a torch optimizer: make(parameters, p) with one tensor of all parameters."""
    import torch

    def run(x, p):
        w = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        optimizer = make([w], p)
        while True:
            lr, g = yield w.detach().numpy().copy()
            for group in optimizer.param_groups:
                group["lr"] = lr
            w.grad = torch.tensor(g, dtype=torch.float64)
            optimizer.step()

    return run


def points(function, method, l1, loop, box):
    p = tomllib.loads(method.replace("; ", "\n"))
    p["omega_l1"], p["omega_box"] = l1, numpy.inf if box is None else box
    table = gradients()
    run = function(START.copy(), p)
    at = next(run)
    for t in range(STEPS):
        x = at[0] if isinstance(at, tuple) else at
        g = table[t].copy() if loop == "open" else closed(t, x)
        at = run.send((p["lr"] / (1 + t / 10), g))
        y = at[1] if isinstance(at, tuple) else at
        if t + 1 in SHOWN:
            yield t + 1, y


def write(name, folder):
    lines = ["method|omega_l1|loop|step|" + "|".join(f"x{j}" for j in range(SIZE))]
    for function, method, l1, loops, box in CASES:
        omega = repr(l1) if box is None else f"{l1} box {box}"
        for loop in loops:
            for step, x in points(function, method, l1, loop, box):
                lines.append("|".join([method, omega, loop, str(step)] + [repr(float(v)) for v in x]))
    (folder / "rules" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return len(lines) - 1

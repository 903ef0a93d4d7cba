# SPDX-License-Identifier: Apache-2.0
"""torch.optim.Adagrad; TensorFlow 1's ApplyAdagrad and ApplyProximalAdagrad, Keras' Adagrad, and Duchi et al. 2011 written out."""
import numpy
import torch
from harness import by_torch, case, reference, soft

by_torch_adagrad = by_torch(lambda w, p: torch.optim.Adagrad(w, lr=1, eps=p["epsilon"], lr_decay=p.get("lr_decay", 0),
                                                             initial_accumulator_value=p.get("initial_accumulator", 0)))


def written_out(denominator):
    @reference
    def adagrad(x, p):
        v = numpy.full_like(x, p.get("initial_accumulator", 0))
        while True:
            lr, g = yield x
            v = v + g * g
            step = lr / denominator(v, p)
            x = soft(x - step * g, step * p["omega_l1"])

    return adagrad


tf1 = written_out(lambda v, p: numpy.sqrt(v))
keras = written_out(lambda v, p: numpy.sqrt(v + p["epsilon"]))
paper = written_out(lambda v, p: numpy.sqrt(v) + p["epsilon"])

case(by_torch_adagrad, 'name = "adagrad"; lr = 0.3; epsilon = 0.01')
case(by_torch_adagrad, 'name = "adagrad"; lr = 0.3; epsilon = 0.01; initial_accumulator = 0.2; lr_decay = 0.3')
case(paper, 'name = "adagrad"; dialect = "paper"; lr = 0.3; epsilon = 0.01')
case(tf1, 'name = "adagrad"; dialect = "tf1"; lr = 0.3; initial_accumulator = 0.1')
case(keras, 'name = "adagrad"; dialect = "keras"; lr = 0.3; initial_accumulator = 0.1; epsilon = 0.01')
case(paper, 'name = "adagrad"; dialect = "paper"; lr = 0.3; epsilon = 0.01', l1=0.4)
case(tf1, 'name = "adagrad"; dialect = "tf1"; lr = 0.3; initial_accumulator = 0.1', l1=0.4)

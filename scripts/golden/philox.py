# SPDX-License-Identifier: Apache-2.0
"""Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011) from the paper, and the draws made of it: uniform(a, b), normal(a, b),
below(bound, a, b) of a (seed, purpose) and two 64-bit counters."""
import math

MASK = 0xFFFFFFFF
NOISE = 5  # the purpose
LAST = 2**64


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(second >> 32) ^ c[1] ^ k[0], second & MASK, (first >> 32) ^ c[3] ^ k[1], first & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


# The paper's known answers.
assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([MASK] * 4, [MASK] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def halves(v):
    return [v & MASK, v >> 32]


def bits(seed, purpose, a, b):
    key = philox(halves(seed) + [purpose, 0x7A1E3EED], [purpose, 0x54616C77])[:2]
    return philox(halves(a) + halves(b), key)


def unit(high, low):
    return ((high << 32 | low) >> 11) * 2.0**-53


def uniform(seed, a, b=0, purpose=NOISE):
    r = bits(seed, purpose, a, b)
    return unit(r[0], r[1])


def normal(seed, a, b=0, purpose=NOISE):
    r = bits(seed, purpose, a, b)
    return math.sqrt(-2 * math.log(1 - unit(r[0], r[1]))) * math.cos(2 * math.pi * unit(r[2], r[3]))


def below(bound, seed, a, b=0, purpose=NOISE):
    r = bits(seed, purpose, a, b)
    return (r[0] << 32 | r[1]) * bound >> 64

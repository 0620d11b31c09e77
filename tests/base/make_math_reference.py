"""Writes math_reference.txt: function, arguments, and the true value as a sum of two doubles (mpmath 1.3, 300 bits)."""

import pathlib
import random

import mpmath

mpmath.mp.prec = 300
random.seed(20261130)
lines = []


def add(name, value, *arguments):
    high = float(value)
    low = float(value - mpmath.mpf(high))
    lines.append(" ".join([name, *(float(a).hex() for a in arguments), high.hex(), low.hex()]))


def circle(x):
    add("sine", mpmath.sin(x), x)
    add("cosine", mpmath.cos(x), x)


for base in (10000.0, 100000.0, 500000.0, 1e6):
    for head_dim in (64, 256):
        for i in (1, 7, head_dim // 4, head_dim // 2 - 1):
            exponent = -2 * i / head_dim
            add("power", mpmath.power(base, exponent), base, exponent)
            for position in (1, 255, 8191, 131071, 2**24 - 1):
                circle(position * base**exponent)
for n in range(1, 26):  # as near to multiples of pi/2 as doubles get, and halfway
    for _ in range(6):
        multiple = random.randrange(2 ** (n - 1), 2**n) if n > 1 else 1
        circle(float(multiple * mpmath.pi / 2))
        circle(-float(multiple * mpmath.pi / 4))
for _ in range(200):
    circle(random.uniform(-(2.0**26), 2.0**26))
    circle(random.uniform(-1, 1) * 2.0 ** random.randrange(-30, 4))
circle(2.0**26)
for _ in range(200):
    x = random.uniform(0.5, 2) * 2.0 ** random.randrange(-1000, 1000)
    near = 1 + random.uniform(-1, 1) * 2.0 ** random.randrange(-50, -1)
    for argument in (x, near, 5e-324 * random.randrange(1, 2**40), random.uniform(1, 300000)):
        add("log", mpmath.log(argument), argument)
    length, penalty = random.randrange(1, 2**24), random.uniform(-10, 10)
    add("power", mpmath.power(length, penalty), length, penalty)
    for base in (random.uniform(1, 1e7), near, x):
        exponent = random.uniform(-1, 1)
        add("power", mpmath.power(base, exponent), base, exponent)
pathlib.Path(__file__).with_name("math_reference.txt").write_text("\n".join(lines) + "\n")

#!/usr/bin/env python3
"""instances.py FILE... - looks at instances of theorem 3.2.1 with nothing but Python's own arithmetic.

The hypotheses ||X||_F <= 1, ||Z||_F <= 1, ||W_V||_F <= 1/2 (and the same of Z2) are decided in rational numbers.
The rest is 60-digit decimal arithmetic, which proves nothing (`eer theorem` does) but shares nothing with the
program: DF[D] comes from dual numbers through F itself, not from a formula for the derivative; the spectral
norms of W_Q and W_K from above, by Gram powers. One line a file:

  NAME, rows x columns, map; ||DF[D]|| / ||D|| if there is a direction D; the printed bound at q = 1.25, 1.5, 1.75,
  2 and its limit for q -> 1; how far ||DF[D]|| / ||D|| lies above the largest of these. With Z2: the factor by which F
  drives Z and Z2 apart, and the printed bound's largest value over all Z, from ||S||_F <= sqrt n. Else ||F||.

Exit status 1 if a hypothesis fails or a file does not do what it is there for: with Z2, to be driven apart although
the printed bound is below 1 at every Z; else with D, to exceed the printed bound at every q; else, eq. 14."""
import json
import os
import sys
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 60
INDICES = ("1.25", "1.5", "1.75", "2")
SQUARINGS = 60


class Dual:
    """value + slope e, e^2 = 0"""

    def __init__(self, value, slope=Decimal(0)):
        self.value, self.slope = value, slope

    def __add__(self, other):
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __truediv__(self, other):
        ratio = self.value / other.value
        return Dual(ratio, (self.slope - ratio * other.slope) / other.value)

    def exp(self):
        value = self.value.exp()
        return Dual(value, value * self.slope)


def decimal(x):
    return Decimal(x.numerator) / Decimal(x.denominator)


def transpose(A):
    return [list(column) for column in zip(*A)]


def multiply(A, B, zero):
    columns = transpose(B)
    return [[sum((a * b for a, b in zip(row, column)), zero) for column in columns] for row in A]


def frobenius_squared(A):
    return sum(x * x for row in A for x in row)


def spectral_norm(W):
    """From above: ||W||^2 <= ||G^(2^k)||_F^(1/2^k), G = W^T W."""
    G = multiply(transpose(W), W, Decimal(0))
    logarithm, weight = Decimal(0), Decimal(1)
    for _ in range(SQUARINGS):
        norm = frobenius_squared(G).sqrt()
        logarithm += weight * norm.ln()
        G = [[x / norm for x in row] for row in G]
        G = multiply(G, G, Decimal(0))
        weight /= 2
    logarithm += weight * frobenius_squared(G).sqrt().ln()
    return (logarithm / 2).exp()


def attention(instance, Z, D):
    """(S, F), of duals."""
    zero = Dual(Decimal(0))
    weight = {k: [[Dual(decimal(x)) for x in row] for row in instance[k]] for k in ("W_Q", "W_K", "W_V")}
    Y = [[Dual(decimal(x + z), decimal(t)) for x, z, t in zip(*rows)] for rows in zip(instance["X"], Z, D)]
    scale = Dual(decimal(instance["scale"]))
    logits = multiply(multiply(Y, weight["W_Q"], zero), transpose(multiply(Y, weight["W_K"], zero)), zero)
    S = []
    for row in logits:
        powers = [(scale * x).exp() for x in row]
        total = sum(powers, zero)
        S.append([x / total for x in powers])
    attended = S if instance["map"] == "S" else transpose(S)
    return S, multiply(attended, multiply(Y, weight["W_V"], zero), zero)


def dynamic_term(S, q):
    return sum(sum(x.value ** q for x in row) ** (2 / q) for row in S).sqrt()


def read(path):
    with open(path, encoding="utf-8") as file:
        instance = json.load(file)
    for key in ("X", "Z", "Z2", "W_Q", "W_K", "W_V", "direction"):
        if key in instance:
            instance[key] = [[Fraction(x) for x in row] for row in instance[key]]
    instance["scale"] = Fraction(instance.get("scale", "1"))
    instance.setdefault("map", "ST")
    return instance


def hypotheses(instance):
    most = {"X": Fraction(1), "Z": Fraction(1), "Z2": Fraction(1), "W_V": Fraction(1, 2)}
    return [key for key in most if key in instance and frobenius_squared(instance[key]) > most[key] ** 2]


def look(path):
    instance = read(path)
    name = os.path.splitext(os.path.basename(path))[0]
    n, d = len(instance["X"]), len(instance["X"][0])
    broken = hypotheses(instance)
    norms = [spectral_norm([[decimal(x) for x in row] for row in instance[key]]) for key in ("W_Q", "W_K")]
    W_V = decimal(frobenius_squared(instance["W_V"])).sqrt()
    static = 2 * abs(decimal(instance["scale"])) * norms[0] * norms[1]
    D = instance.get("direction", [[Fraction(0)] * d] * n)
    S, F = attention(instance, instance["Z"], D)
    printed = [(static + dynamic_term(S, Decimal(q))) * W_V for q in INDICES]
    printed.append((static + Decimal(n).sqrt()) * W_V)
    line = f"{name:18} {n}x{d} {instance['map']:2}"
    if "direction" in instance:
        norm = sum(x.slope**2 for row in F for x in row).sqrt() / decimal(frobenius_squared(D)).sqrt()
        line += f"  DF {norm:.5f}  margin {100 * (norm / max(printed) - 1):.1f} %"
        violates = norm > max(printed)
    line += "  printed " + " ".join(f"{x:.5f}" for x in printed)
    if "Z2" in instance:
        _, F2 = attention(instance, instance["Z2"], D)
        apart = sum((x.value - y.value) ** 2 for r, t in zip(F, F2) for x, y in zip(r, t)).sqrt()
        distance = frobenius_squared([[x - y for x, y in zip(*rows)] for rows in zip(instance["Z"], instance["Z2"])])
        factor = apart / decimal(distance).sqrt()
        line += f"  drives apart by {factor:.5f}"
        violates = printed[-1] < 1 < factor
    norm = sum(x.value**2 for row in F for x in row).sqrt()
    line += f"  F {norm:.5f}"
    if "direction" not in instance and "Z2" not in instance:
        violates = norm > 2 * W_V
    print(line, *[f"HYPOTHESIS FAILS: {key}" for key in broken])
    return violates and not broken


def main(paths):
    if not paths:
        print("usage: instances.py FILE...", file=sys.stderr)
        return 2
    good = sum([look(path) for path in paths])
    print(f"{good} passed, {len(paths) - good} failed")
    return 0 if good == len(paths) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

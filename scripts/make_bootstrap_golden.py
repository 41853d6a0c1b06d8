#!/usr/bin/env python3
"""Writes tests/golden/bootstrap.txt: bootstrap intervals of fixed data, by an implementation apart from cril's.

Needs Python 3.10, nothing else. PCG32 (pcg32.py) is checked against the output that the paper's
own demonstration program prints; sums and ratios are exact (fractions); quantiles are statistics.quantiles with
method="inclusive", which is definition 7 of Hyndman & Fan 1996. Therefore a level is 1 - 2/m for a whole m.

The file, for each case: "NAME r|d N LEVEL RESAMPLES SEED", N rows of 2 (r) or 4 (d) numbers, a row of LOW and HIGH.
r: numerator and denominator; d: those of a, then those of b; the interval is that of a's ratio less b's.
"""
import pathlib
import statistics
from fractions import Fraction

from pcg32 import MASK, MULTIPLIER, ONE_STREAM, Pcg32


def seed_of_state(state):
    """The seed after which the generator stands at this state."""
    return ((state - ONE_STREAM) * pow(MULTIPLIER, -1, 2**64) - ONE_STREAM) & MASK


def interval(rows, m, resamples, seed):
    g = Pcg32(seed)
    exact = [[Fraction(x) for x in row] for row in rows]
    results = []
    while len(results) < resamples:
        draw = [exact[g.below(len(exact))] for _ in exact]
        sums = [sum(column) for column in zip(*draw)]
        if any(below == 0 for below in sums[1::2]):
            continue
        ratios = [above / below for above, below in zip(sums[::2], sums[1::2])]
        results.append(ratios[0] if len(ratios) == 1 else ratios[0] - ratios[1])
    if resamples == 1:
        return results * 2
    cuts = statistics.quantiles(results, n=m, method="inclusive")
    return [cuts[0], cuts[-1]]


def documents(seed, n, columns):
    """Bits and characters as a corpus has them: lengths over two decades, one to three bits a character."""
    g = Pcg32(seed)
    rows = []
    for _ in range(n):
        row = []
        for _ in range(columns // 2):
            characters = row[1] if row else 20 + g.below(10 ** (2 + g.below(3)))
            row += [characters * (1 + g.below(2**20) / 2**19), characters]
        rows.append(row)
    return rows


def main():
    demonstration = Pcg32(42, 54 << 1 | 1)
    assert [demonstration.next() for _ in range(6)] == [
        0xA15C02B7, 0x7B47F409, 0xBA1D3330, 0x83D2F293, 0xBFA4784B, 0xCBED606E]
    zero = seed_of_state(5)  # its first output is 0, which is drawn again for any n that is no power of 2
    assert Pcg32(zero).next() == 0
    digits = [(16.0**i, 1) for i in range(8)]  # a mean tells how often each document was drawn
    cases = [
        ("draws", digits, 40, 1, 0),
        ("draws-42", digits, 40, 1, 42),
        ("draws-largest-seed", digits, 40, 1, 2**64 - 1),
        ("drawn-again", [(1, 1), (10, 1), (100, 1)], 40, 1, zero),
        ("two", [(1.5, 1), (2.5, 3)], 40, 100, 7),
        ("thirty", documents(1, 30, 2), 40, 1000, 0),
        ("thirty-90", documents(1, 30, 2), 20, 501, 1),
        ("thirty-50", documents(1, 30, 2), 4, 2, 2),
        ("hundred-99", documents(2, 100, 2), 200, 1000, 123456789),
        ("zero-denominators", [(4, 0), (0, 0), (3, 2), (5, 1)], 40, 300, 3),
        ("negative", [(-4, 1), (3, 2), (-0.5, 0.25), (1e-9, 5)], 40, 300, 4),
        ("difference", documents(3, 40, 4), 40, 1000, 5),
        ("difference-zero", [(3, 0, 1, 2), (5, 1, 2, 0), (7, 4, 3, 3), (2, 5, 4, 1)], 20, 200, 6),
    ]
    out = []
    for name, rows, m, resamples, seed in cases:
        kind = "r" if len(rows[0]) == 2 else "d"
        low, high = interval(rows, m, resamples, seed)
        out.append(f"{name} {kind} {len(rows)} {1 - 2 / m!r} {resamples} {seed}")
        out += [" ".join(f"{x:.17g}" for x in row) for row in rows]
        out.append(f"{float(low)!r} {float(high)!r}")
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "bootstrap.txt"
    path.write_text("\n".join(out) + "\n")
    print(f"{path.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()

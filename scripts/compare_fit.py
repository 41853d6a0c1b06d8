#!/usr/bin/env python3
"""Compares cril's fits (cril/fit.h) with those of scripts/fit_oracle.py, number by number, on random sets of points.

    compare_fit.py PROGRAM [-n 1000] [--seed 1] [--resamples 200]
    compare_fit.py PROGRAM --published DIRECTORY

PROGRAM is tests/fit_lines.c, built as its first comment says. Needs numpy, scipy, mpmath; gmpy2 makes it faster.

Tolerance: 1e-9 of the number, or of the unit that its group is measured in where it is smaller. cril computes in double,
2^-53 = 1.1e-16 a step, some hundred steps a number; what is left of the 1e-9 is for badly posed sets, of which the random ones
have some: nearly one x, one point that holds the slope, no trend. A wrong formula or a wrong draw misses by far more.

--published fits the paper's own table (arXiv:2404.09937v2): bpc_paper_v2.csv, benchmark_scores.csv and paper_correlations.csv
of DIRECTORY, and compares each printed correlation (within 0.004) and RMSE (within 0.002).
"""
import argparse
import collections
import csv
import math
import pathlib
import random
import subprocess
import sys

import fit_oracle

COLUMNS = {  # what the numbers of a group are called, and which unit they have: 1, x, y, y/x
    "x": "mean/x min/x max/x", "y": "mean/y min/y max/y", "pearson": "r low high p/rel", "spearman": "rho",
    "fit": "r2 residual_se/y rmse/y", "slope": "value/s se/s low/s high/s", "intercept": "value/y se/y low/y high/y",
    "at.mean": "value/y se/y low/y high/y", "at.new": "value/y se/y low/y high/y", "at.extrapolated": "flag/count",
    "left": "status/count families/count used/count points/count", "left.rmse": "rmse/y of_mean/y",
    "one": "status/count points/count", "one.rmse": "rmse/y of_mean/y",
    "point": "fitted/y residual/y leverage internal external cook flagged/count left_out/y left_one_out/y",
    "left.k": "family/count first/count n/count status/count slope/s intercept/y rmse/y mean_error/y",
}
for unit in "models", "families":
    COLUMNS |= {unit: "status/count units/count redrawn/count", f"{unit}.pearson": "low high", f"{unit}.slope": "low/s high/s",
                f"{unit}.intercept": "low/y high/y", f"{unit}.rmse": "low/y high/y"}
for name in "york", "deming":
    COLUMNS |= {name: "status/count", f"{name}.slope": COLUMNS["slope"], f"{name}.intercept": COLUMNS["intercept"],
                f"{name}.more": "x_mean/x y_mean/y chi/chi scale minima/count"}


def random_case(k, rng, resamples):
    n = rng.choice([3, 4, 5, 6, 8, 10, 12, 19, 28, 31, 40, 60]) if rng.random() < 0.7 else rng.randint(3, 60)
    slope, scatter = rng.choice([-0.9, -1.2, -2, 0.7, 0]), rng.choice([0.005, 0.02, 0.05, 0.2])
    digits_x, digits_y = rng.choice([1, 2, 3, 17, 17]), rng.choice([2, 3, 17])
    kind = rng.random()
    while True:
        x = [round(rng.uniform(0.35, 0.9), digits_x) for _ in range(n)]
        if kind < 0.05:  # one point holds the slope
            x = [0.5] * (n - 1) + [0.8]
        elif kind < 0.1:  # nearly so
            x = [0.5 + rng.uniform(0, 1e-3) for _ in range(n - 1)] + [0.8]
        y = [round(0.5 + slope * (v - 0.6) + rng.gauss(0, scatter), digits_y) for v in x]
        if 0.1 < kind < 0.15:  # one far off
            y[rng.randrange(n)] += rng.choice([-1, 1])
        if kind > 0.97:  # another unit, and far from zero
            x, y = [100 + v for v in x], [1000 * v for v in y]
        if 0.15 < kind < 0.25:  # what is equal on paper is not to the bit
            x, y = ([v * (1 + rng.randrange(-4, 5) * 2.0**-52) for v in values] for values in (x, y))
        if not fit_oracle.one(x) and not fit_oracle.one(y):
            break
    x_unit, y_unit = max(x) - min(x), max(y) - min(y)
    n_families = rng.choice([1, 2, 3, 5, 8, n])
    x_se = [x_unit * 10 ** rng.uniform(-3, -1) for _ in range(n)]
    y_se = [y_unit * 10 ** rng.uniform(-3, -1) for _ in range(n)]
    for se in x_se, y_se:
        if rng.random() < 0.2:
            se[rng.randrange(n)] = rng.choice([0, 0, math.nan])
    return {"name": f"random-{k}", "n": n, "level": rng.choice([0.95, 0.95, 0.9, 0.5, 0.99]), "threshold": 2,
            "resamples": resamples, "seed": rng.getrandbits(64), "ratio": rng.choice([1, 0.1, 4, 2.5]),
            "x0": rng.choice([rng.uniform(min(x) - x_unit / 4, max(x) + x_unit / 4), x[0]]),
            "x0_se": rng.choice([0, x_unit / 20, math.nan]), "with_x_se": rng.random() < 0.9, "with_y_se": rng.random() < 0.9,
            "with_family": rng.random() < 0.8, "x": x, "y": y, "x_se": x_se, "y_se": y_se,
            "family": [rng.randrange(n_families) * 7 for _ in range(n)]}


def run(program, cases):
    text = "".join(map(fit_oracle.write_case, cases))
    answer = subprocess.run([program], input=text, capture_output=True, text=True)
    if answer.returncode:
        sys.exit(answer.stderr or f"{program}: exit {answer.returncode}")
    found = {}
    for block in answer.stdout.split("\n\n"):
        if block.strip():
            name, *lines = block.strip().split("\n")
            found[name] = [(w[0], [float(v) for v in w[1:]]) for w in map(str.split, lines)]
    return found


def group_key(name):
    head, _, tail = name.rpartition(".")
    return {"point": "point", "left": "left.k"}[head] if tail.isdigit() else name


def check(case, got, want, worst):
    """Adds to worst[statistic] the largest error; returns the errors of what must be equal."""
    units = {"": 1, "x": max(map(abs, case["x"])), "y": max(map(abs, case["y"])), "rel": 0}
    units["chi"] = 1e-12 * max(1, units["x"], units["y"]) ** 2  # where the points lie on a line it is 0, and rounding is squared
    units["s"] = (max(case["y"]) - min(case["y"])) / (max(case["x"]) - min(case["x"]))
    bad = [] if [g[0] for g in got] == [g[0] for g in want] else ["other groups"]
    for (name, numbers), (_, exact) in zip(got, want):
        for a, b, column in zip(numbers, exact, COLUMNS[group_key(name)].split()):
            what, _, unit = column.partition("/")
            if a == b or (math.isnan(a) and math.isnan(b)):
                error = 0.0
            elif unit == "count" or not (math.isfinite(a) and math.isfinite(b)):
                error = math.inf
            else:
                error = abs(a - b) / max(abs(b), units[unit])
            key = f"{group_key(name)} {what}"
            if error > worst[key][0] or key not in worst:
                worst[key] = error, case["name"], a, b
            if error > 1e-9:
                bad.append(f"{name} {what}: {a!r}, not {b!r}")
    return bad


def compare(program, n, seed, resamples):
    rng = random.Random(seed)
    cases = [random_case(k, rng, resamples) for k in range(n)]
    found = run(program, cases)
    worst, failed, several = collections.defaultdict(lambda: (-1.0,)), 0, 0
    for case in cases:
        want = fit_oracle.groups(case)
        several += dict(want)["york.more"][4] > 1
        bad = check(case, found[case["name"]], want, worst)
        failed += bool(bad)
        for line in bad[:5]:
            print(f"{case['name']} (n = {case['n']}): {line}")
    print(f"{'statistic':24}{'largest error':>14}")
    for key, (error, *_) in sorted(worst.items()):
        print(f"{key:24}{error:14.1e}")
    numbers = sum(len(v) for c in found.values() for _, v in c)
    print(f"{n} sets, {numbers} numbers, {failed} sets with a difference above 1e-9; {several} have several York minima")
    return failed


DOMAINS = {"knowledge": ("cc", ["NaturalQuestions", "TriviaQA", "ARC-Challenge", "HellaSwag", "MMLU"], "Table 4"),
           "coding": ("python", ["HumanEval", "MBPP", "DS-1000"], "Table 6"),
           "math": ("arxiv_math", ["GSM8K", "MATH", "SAT-Math", "MMLU-Math"], "Table 8")}


def published_sets(directory):
    """(scope, benchmark, models, x, y, r, rmse) for each printed correlation."""
    read = lambda name: list(csv.DictReader(open(directory / name, newline="")))
    bpc, families, scores = collections.defaultdict(dict), {}, collections.defaultdict(dict)
    for row in read("bpc_paper_v2.csv"):
        bpc[row["model"]][row["corpus"]] = float(row["bpc"])
        families[row["model"]] = row["family"]
    for row in read("benchmark_scores.csv"):
        for _, benchmarks, table in DOMAINS.values():
            if row["source"] == f"arXiv:2404.09937v2 {table}" and row["benchmark"] in benchmarks:
                scores[row["model"]][row["benchmark"]] = float(row["score"]) / 100
    mean = lambda v: sum(v) / len(v)
    domain = lambda model, name: mean([scores[model][b] for b in DOMAINS[name][1]])
    for row in read("paper_correlations.csv"):
        scope, benchmark = row["scope"], row["benchmark"]
        if scope == "overall":
            models = [m for m in bpc if len(bpc[m]) == 3]
            x = [mean(list(bpc[m].values())) for m in models]
            y = [mean([domain(m, d) for d in DOMAINS]) for m in models]
        else:
            corpus, benchmarks, _ = DOMAINS[scope]
            models = [m for m in bpc if corpus in bpc[m] and not (scope == "math" and families[m] == "Qwen")]
            x = [bpc[m][corpus] for m in models]
            y = [domain(m, scope) if benchmark == "average" else scores[m][benchmark] for m in models]
        yield scope, benchmark, models, families, x, y, float(row["pearson"]), float(row["rmse"])


def published(program, directory):
    sets = list(published_sets(directory))
    cases = []
    for k, (scope, benchmark, models, families, x, y, r, rmse) in enumerate(sets):
        labels = list(dict.fromkeys(families[m] for m in models))
        cases.append({"name": f"p{k}", "n": len(x), "level": 0.95, "threshold": 2, "resamples": 1000, "seed": 1, "ratio": 1,
                      "x0": x[0], "x0_se": 0, "with_x_se": 0, "with_y_se": 0, "with_family": 1, "x": x, "y": y,
                      "x_se": [0] * len(x), "y_se": [0] * len(x), "family": [labels.index(families[m]) for m in models]})
    found, failed = run(program, cases), 0
    print(f"{'scope':10}{'benchmark':18}{'n':>3}{'fam':>4}{'r':>9}{'paper':>8}{'RMSE':>9}{'paper':>8}{'slope':>8}{'at 0':>7}"
          f"{'rho':>8}{'families 95 % of r':>20}{'left out':>9}  flagged")
    for case, (scope, benchmark, models, families, x, y, r, rmse) in zip(cases, sets):
        g = dict(found[case["name"]])
        ok = abs(g["pearson"][0] - r) <= 0.004 and abs(g["fit"][2] - rmse) <= 0.002
        failed += not ok
        flagged = [f"{m} {g[f'point.{i}'][4]:+.1f}" for i, m in enumerate(models) if g[f"point.{i}"][6]]
        low, high = g["families.pearson"]
        print(f"{scope:10}{'12 benchmarks' if scope == 'overall' else benchmark:18}{len(x):3}{g['left'][1]:4.0f}"
              f"{g['pearson'][0]:9.4f}{r:8.3f}{g['fit'][2]:9.4f}{rmse:8.3f}{g['slope'][0]:8.3f}{g['intercept'][0]:7.3f}"
              f"{g['spearman'][0]:8.3f}{low:11.3f}{high:9.3f}{g['left.rmse'][0]:9.4f}  {', '.join(flagged)}"
              f"{'' if ok else '  NOT the printed figures'}")
    print(f"{len(sets) - failed} of {len(sets)} printed pairs met")
    return failed


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("program")
    p.add_argument("-n", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resamples", type=int, default=200)
    p.add_argument("--published", type=pathlib.Path)
    a = p.parse_args()
    return bool(published(a.program, a.published) if a.published else compare(a.program, a.n, a.seed, a.resamples))


if __name__ == "__main__":
    sys.exit(main())

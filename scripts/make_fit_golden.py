#!/usr/bin/env python3
"""Writes tests/golden/fit.txt: sets of points and what fit_oracle.py makes of them.

    make_fit_golden.py DIRECTORY

DIRECTORY holds the paper's table (bpc_paper_v2.csv, benchmark_scores.csv, paper_correlations.csv), of which the overall line
and the three domains' averages are sets. The others: Anscombe's quartet (1973), Pearson's points with York's weights (York 1966),
numbers that are equal but for rounding, and random ones of compare_fit.py.

The oracle itself is held to scipy and statsmodels here: linregress, pearsonr, spearmanr, OLSInfluence, and ODRPACK
(scipy.odr, whose errors are scaled by the residuals). Needs numpy, scipy, statsmodels, mpmath.
"""
import math
import pathlib
import random
import sys
import warnings

import numpy as np
from scipy import stats

import compare_fit
import fit_oracle

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from scipy import odr
    import statsmodels.api as sm

ANSCOMBE_X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
ANSCOMBE = [
    (ANSCOMBE_X, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]),
    (ANSCOMBE_X, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74]),
    (ANSCOMBE_X, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]),
    ([8] * 7 + [19] + [8] * 3, [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89]),
]
PEARSON_X = [0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4]
PEARSON_Y = [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5]
YORK_WX = [1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1]
YORK_WY = [1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500]


def make(name, x, y, x_se=None, y_se=None, family=None, **more):
    n = len(x)
    case = {"name": name, "n": n, "level": 0.95, "threshold": 2, "resamples": 100, "seed": n, "ratio": 1, "x0": x[0], "x0_se": 0,
            "with_x_se": x_se is not None, "with_y_se": y_se is not None, "with_family": family is not None, "x": x, "y": y,
            "x_se": x_se or [0] * n, "y_se": y_se or [0] * n, "family": family or [0] * n}
    return case | more


def near(name, a, b, tolerance=1e-8, unit=0.0):
    assert abs(a - b) <= tolerance * max(abs(b), unit), (name, a, b)


def rounded(values):
    """Without what is equal but for rounding, of which the others know nothing."""
    return np.array([float(f"{v:.12g}") for v in values])


def hold_to_others(case, groups):
    """The oracle's numbers against scipy's and statsmodels'; double against 50 digits."""
    g = dict(groups)
    x, y, n = rounded(case["x"]), rounded(case["y"]), case["n"]
    line = stats.linregress(x, y)
    near("slope", g["slope"][0], line.slope, unit=1e-6)
    near("slope se", g["slope"][1], line.stderr, unit=1e-6)
    near("intercept", g["intercept"][0], line.intercept)
    near("intercept se", g["intercept"][1], line.intercept_stderr, unit=1e-6)
    near("p", g["pearson"][3], line.pvalue, 1e-6, 1e-12)
    r = stats.pearsonr(x, y)
    near("r", g["pearson"][0], r.statistic, unit=1e-6)
    if abs(r.statistic) < 1 - 1e-9:
        interval = r.confidence_interval(case["level"])
        near("r low", g["pearson"][1], interval.low)
        near("r high", g["pearson"][2], interval.high)
    near("rho", g["spearman"][0], stats.spearmanr(x, y).statistic, unit=1)
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    at = fit.get_prediction([[1, case["x0"]]]).summary_frame(alpha=1 - case["level"])
    if case["x0_se"] == 0 or math.isnan(case["x0_se"]):
        for key, want in ("at.mean", ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]), ("at.new", ["mean", None, "obs_ci_lower", "obs_ci_upper"]):
            for a, w in zip(g[key], want):
                if w:
                    near(f"{key} {w}", a, at[w].iloc[0], unit=1e-6)
    if g["fit"][1] > 1e-9 and n > 3:
        influence = fit.get_influence()
        for i in range(n):
            p = g[f"point.{i}"]
            near("leverage", p[2], influence.hat_matrix_diag[i])
            if p[2] < 0.999:
                near("internal", p[3], influence.resid_studentized_internal[i], 1e-7, 1e-3)
                if abs(p[4]) < 1e3:
                    near("external", p[4], influence.resid_studentized_external[i], 1e-6, 1e-3)
                near("cook", p[5], influence.cooks_distance[0][i], 1e-7, 1e-3)
    for name in "york", "deming":
        if g[name] != [0]:
            continue
        sx, sy = (case["x_se"], case["y_se"]) if name == "york" else ([1] * n, [math.sqrt(case["ratio"])] * n)
        if name == "york" and not (all(case["x_se"]) and all(case["y_se"]) and case["with_x_se"] and case["with_y_se"]):
            continue
        model = odr.Model(lambda b, x: b[0] + b[1] * x, fjacb=lambda b, x: np.vstack([np.ones_like(x), x]),
                          fjacd=lambda b, x: np.full_like(x, b[1]))
        runs = []
        for factor in 0.9, 1.1:  # from least squares it may stop at once, and so it may from elsewhere
            start = [g[f"{name}.intercept"][0], factor * g[f"{name}.slope"][0]]
            o = odr.ODR(odr.RealData(x, y, sx, sy), model, beta0=start, maxit=1000, sstol=1e-15, partol=1e-15)
            o.set_job(deriv=2)
            runs.append(o.run())
        o = min(runs, key=lambda o: o.sum_square)
        near(f"{name} slope", g[f"{name}.slope"][0], o.beta[1], 1e-6)
        scaled = math.sqrt(g[f"{name}.more"][2]) if name == "york" else 1
        near(f"{name} slope se", g[f"{name}.slope"][1] * scaled, o.sd_beta[1], 1e-4, 1e-6)
        near(f"{name} intercept se", g[f"{name}.intercept"][1] * scaled, o.sd_beta[0], 1e-4, 1e-6)


def main():
    cases = [make(f"anscombe-{k + 1}", x, y, family=[i % 4 for i in range(11)]) for k, (x, y) in enumerate(ANSCOMBE)]
    inverse_root = lambda weights: [1 / math.sqrt(w) for w in weights]
    cases.append(make("pearson-york", PEARSON_X, PEARSON_Y, inverse_root(YORK_WX), inverse_root(YORK_WY), x0=5.0, x0_se=0.1))
    cases.append(make("exact-line", [0.25, 0.5, 0.75, 1], [1, 0.75, 0.5, 0.25], [0.01] * 4, [0.02] * 4, [0, 0, 1, 2]))
    cases.append(make("three", [0.4, 0.5, 0.7], [0.6, 0.55, 0.3], [0.01, 0.02, 0.01], [0.02] * 3, [5, 5, 6]))
    cases.append(make("one-off-a-line", [0.25, 0.5, 0.75, 1, 1.25], [1, 0.75, 0.625, 0.25, 0], x0=3))
    up, down = 1 + 2.0**-52, 1 - 2.0**-53  # neighbours
    mean = lambda *v: sum(a / len(v) for a in v)
    same_x = [mean(0.41, 0.54, 0.7), mean(0.4, 0.55, 0.7), mean(0.7, 0.54, 0.41)]  # 0.55, but for rounding
    se = [0.01] * 4
    cases.append(make("near-one-x-left", same_x + [0.85], [0.6, 0.55, 0.57, 0.3], se, se, [3, 4, 5, 6], x0=0.85 * up))
    cases.append(make("near-one-y-left", [0.5, 0.6, 0.7, 0.9], [0.4, 0.4 * up, 0.4 * down, 0.3], se, se))
    cases.append(make("near-ties", [0.5, 0.5 * up, 0.7, 0.7 * up, 0.7 * down, 0.9, 0.8], [0.6, 0.5, 0.4, 0.4 * down, 0.5 * up, 0.3, 0.3 * up],
                      family=[0, 0, 1, 1, 1, 2, 2]))
    cases.append(make("no-direction", [0.1, 0.1, 0.7, 0.7], [0.2, 0.8, 0.2, 0.8], se, se))
    cases.append(make("unknown-errors", [0.4, 0.5, 0.6, 0.8], [0.7, 0.55, 0.5, 0.3], [0.01, 0.01, math.nan, 0.01], se, x0_se=math.nan))
    for scope, benchmark, models, families, x, y, _, _ in compare_fit.published_sets(pathlib.Path(sys.argv[1])):
        if scope == "overall" or benchmark == "average":
            labels = list(dict.fromkeys(families[m] for m in models))
            cases.append(make(f"paper-{scope}", x, y, [0.004] * len(x), [0.01] * len(x), [labels.index(families[m]) for m in models],
                              resamples=200, threshold=2.1, x0=0.5, x0_se=0.004))
    rng = random.Random(20240607)
    while len(cases) < 45:
        case = compare_fit.random_case(len(cases), rng, 100)
        if case["n"] <= 12 and max(case["x"]) < 10:
            digits = lambda v: [float(f"{a:.5g}") for a in v]  # what the file holds
            case |= {k: digits(case[k]) for k in ("x", "y", "x_se", "y_se")}
            cases.append(case)
    text = []
    for case in cases:
        groups = fit_oracle.groups(case)
        hold_to_others(case, groups)
        text.append(fit_oracle.write_case(case) + f"{len(groups)}\n")
        text += ["".join([name] + [f" {v:.12g}" for v in numbers]) + "\n" for name, numbers in groups]
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "fit.txt"
    path.write_text("".join(text))
    print(f"{path.name}: {len(cases)} sets, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""What cril/fit.h computes, by code apart from cril's: for make_fit_golden.py and compare_fit.py.

Needs numpy, scipy, mpmath (gmpy2 makes it faster). Least squares, leverages, leave-one-out and lines with errors in both
variables are computed from their definitions with 50 digits, so that a difference is cril's own error; quantiles and
tails are scipy's; the bootstrap is done in double, with pcg32.py.
"""
import math

import numpy as np
from mpmath import mp, mpf
from pcg32 import Pcg32
from scipy import stats

mp.dps = 50
NAN = math.nan
ROUNDING = 2.0**-46  # fit.h: numbers that differ by less than this share of them are one


def same(a, b):
    return a == b or abs(a - b) < ROUNDING * max(abs(a), abs(b))


def one(values):
    return same(min(values), max(values))


def ranks(values):
    """From 1; what is the same as the smallest of a group is of that group, and shares the mean of its ranks."""
    order, out, i = sorted(range(len(values)), key=lambda k: values[k]), [0] * len(values), 0
    while i < len(order):
        group = [k for k in order[i:] if same(values[order[i]], values[k])]
        for k in group:
            out[k] = mpf(2 * i + 1 + len(group)) / 2
        i += len(group)
    return out


def uncorrelated(x, y, sxx, syy, sxy, root):
    """Whether rounding of x and y alone may make up sxy."""
    largest = lambda v: ROUNDING * max(map(abs, v)) * root(len(v))
    return abs(sxy) <= largest(x) * root(syy) + largest(y) * root(sxx)


class Line:
    """Least squares from the normal equations, 50 digits."""

    def __init__(self, x, y):
        n = len(x)
        self.n, self.x_mean, self.y_mean = n, sum(x) / n, sum(y) / n
        self.sxx = sum((a - self.x_mean) ** 2 for a in x)
        self.syy = sum((b - self.y_mean) ** 2 for b in y)
        self.sxy = sum((a - self.x_mean) * (b - self.y_mean) for a, b in zip(x, y))
        if one(x):
            self.sxx = mpf(0)
        if one(y):
            self.syy = mpf(0)
        if uncorrelated(x, y, self.sxx, self.syy, self.sxy, mp.sqrt):
            self.sxy = mpf(0)
        self.slope = self.sxy / self.sxx
        self.intercept = self.y_mean - self.slope * self.x_mean
        e = [b - self.at(a) for a, b in zip(x, y)]
        self.exact = max(map(abs, e)) <= ROUNDING * (max(map(abs, y)) + abs(self.slope) * max(map(abs, x)))
        self.residuals = [mpf(0)] * n if self.exact else e
        self.rss = sum(r * r for r in self.residuals)

    def at(self, x):
        return self.intercept + self.slope * x

    def r(self):
        return mp.sign(self.sxy) if self.exact else self.sxy / mp.sqrt(self.sxx * self.syy)


def t_critical(level, df):
    return mpf(float(-stats.t.ppf((1 - level) / 2, df)))


def estimate(value, se, t):
    return [value, se, value - t * se, value + t * se]


def fisher(r, n, level):
    if abs(r) == 1:
        return [r, r]
    if n == 3:
        return [mpf(-1), mpf(1)]
    z, reach = mp.atanh(r), mpf(float(-stats.norm.ppf((1 - level) / 2))) / mp.sqrt(n - 3)
    return [mp.tanh(z - reach), mp.tanh(z + reach)]


def diagnose(x, y, threshold):
    """Leverage and the rest; what depends on the line without a point, from the line without that point."""
    n, line, rows = len(x), Line(x, y), []
    for i in range(n):
        e, h = line.residuals[i], mpf(1) / n + (x[i] - line.x_mean) ** 2 / line.sxx
        others = [k for k in range(n) if k != i]
        ox, oy = [x[k] for k in others], [y[k] for k in others]
        internal = external = cook = NAN
        if one(ox):
            h, e = mpf(1), mpf(0)
        elif not line.exact:
            internal = e / mp.sqrt(line.rss / (n - 2) * (1 - h))
            without = Line(ox, oy)
            # Cook's distance from its definition: all fitted values, squared moves, over 2 s^2
            cook = sum((line.at(a) - without.at(a)) ** 2 for a in x) / (2 * line.rss / (n - 2))
            if n > 3:
                scaled, s = e / mp.sqrt(1 - h), mp.sqrt(without.rss / (n - 3))
                external = scaled / s if s else math.copysign(math.inf, scaled) if scaled else NAN
        rows.append([line.at(x[i]), e, h, internal, external, cook, int(abs(external) > threshold)])
    return rows


def leave_out(x, y, family):
    order = list(dict.fromkeys(family))
    n, predicted, rows, line_squares, mean_squares = len(x), [NAN] * len(x), [], [], []
    for label in order:
        inside = [i for i in range(n) if family[i] == label]
        rest = [i for i in range(n) if family[i] != label]
        status = 1 if len(rest) < 3 else 2 if one([x[i] for i in rest]) else 0
        row = [label, inside[0], len(inside), status] + [NAN] * 4
        if status == 0:
            line = Line([x[i] for i in rest], [y[i] for i in rest])
            errors = [y[i] - line.at(x[i]) for i in inside]
            for i in inside:
                predicted[i] = line.at(x[i])
            line_squares += [e * e for e in errors]
            mean_squares += [(y[i] - line.y_mean) ** 2 for i in inside]
            row[4:] = [line.slope, line.intercept, mp.sqrt(sum(e * e for e in errors) / len(errors)), sum(errors) / len(errors)]
        rows.append(row)
    used = sum(r[3] == 0 for r in rows)
    if not used:
        return None
    m = len(line_squares)
    return {"families": len(order), "used": used, "points": m, "rows": rows, "predicted": predicted,
            "rmse": mp.sqrt(sum(line_squares) / m), "rmse_of_mean": mp.sqrt(sum(mean_squares) / m)}


def bootstrap(x, y, family, level, resamples, seed):
    """[units, redrawn], and intervals of r, slope, intercept, RMSE; None where there is one unit."""
    order = list(dict.fromkeys(family))
    members = [[i for i, f in enumerate(family) if f == label] for label in order]
    if len(order) < 2:
        return None
    g, redrawn, rows = Pcg32(seed), 0, []
    x, y = np.array(x, float), np.array(y, float)
    while len(rows) < resamples:
        drawn = [i for _ in order for i in members[g.below(len(order))]]
        a, b = x[drawn], y[drawn]
        if one(a) or one(b):
            redrawn += 1
            continue
        da, db = a - a.mean(), b - b.mean()
        sxx, syy, sxy = da @ da, db @ db, da @ db
        if uncorrelated(a, b, sxx, syy, sxy, math.sqrt):
            sxy = 0.0
        slope = sxy / sxx
        e = db - slope * da
        if np.abs(e).max() <= ROUNDING * (np.abs(b).max() + abs(slope) * np.abs(a).max()):
            r, rss = math.copysign(1, slope), 0.0
        else:
            r, rss = sxy / math.sqrt(sxx * syy), e @ e
        rows.append((r, slope, b.mean() - slope * a.mean(), math.sqrt(rss / len(drawn))))
    tail = (1 - level) / 2
    return [len(order), redrawn], np.quantile(np.array(rows), [tail, 1 - tail], axis=0, method="linear").T.tolist()


def both_at(x, y, vx, vy, b):
    """Weights, weighted means, and half the derivative of sum W (y - a - b x)^2, a eliminated, at slope b."""
    w = [1 / (p + b * b * q) for p, q in zip(vy, vx)]
    total = sum(w)
    x_mean, y_mean = sum(i * j for i, j in zip(w, x)) / total, sum(i * j for i, j in zip(w, y)) / total
    d = 0
    for xi, yi, vxi, wi in zip(x, y, vx, w):
        u, v = xi - x_mean, yi - y_mean
        e = v - b * u
        d -= b * vxi * wi * wi * e * e + wi * u * e
    return w, x_mean, y_mean, d


def minima(x, y, vx, vy):
    """Slopes of all local minima of the weighted sum of squares, best first, found on a grid of 32 an octave."""
    x, y, vx, vy = (np.array(a, float) for a in (x, y, vx, vy))
    unit = y.std() / x.std()
    sizes = 2 ** np.linspace(-24, 24, 48 * 32 + 1) * unit
    slopes = np.concatenate([-sizes[::-1], sizes])  # not 0: y may be exact
    w = 1 / (vy + slopes[:, None] ** 2 * vx)
    total = w.sum(1)
    u = x - ((w * x).sum(1) / total)[:, None]
    v = y - ((w * y).sum(1) / total)[:, None]
    e = v - slopes[:, None] * u
    chi = (w * e * e).sum(1)
    d = -(slopes[:, None] * vx * w * w * e * e + w * u * e).sum(1)
    at = [k for k in range(len(d) - 1) if d[k] < 0 <= d[k + 1]]
    if at and min(chi[at]) >= (1 - ROUNDING) * chi.max():
        return []  # any slope would do
    return [(slopes[k], slopes[k + 1]) for k in sorted(at, key=lambda k: chi[k])]


def both(x, y, vx, vy, level, deming):
    """The line with errors in both variables."""
    brackets = minima(x, y, vx, vy)
    if not brackets:
        return None
    low, high = map(mpf, brackets[0])
    f_low, f_high = both_at(x, y, vx, vy, low)[3], both_at(x, y, vx, vy, high)[3]
    for _ in range(200):  # Illinois false position: bracketed, and faster than halving
        b = (low * f_high - high * f_low) / (f_high - f_low)
        f = both_at(x, y, vx, vy, b)[3]
        if f == 0 or abs(high - low) < mpf(10) ** -30 * abs(b):
            break
        last = low, high
        if (f < 0) == (f_low < 0):
            low, f_low, f_high = b, f, f_high / 2
        else:
            high, f_high, f_low = b, f, f_low / 2
        if min(abs(b - last[0]), abs(b - last[1])) < mpf(10) ** -25 * abs(b):
            break
    w, x_mean, y_mean, _ = both_at(x, y, vx, vy, b)
    a, n = y_mean - b * x_mean, len(x)
    # The most likely true x of each point, and the inverse of the information matrix there
    true_x = [(xi * vyi + b * vxi * (yi - a)) * wi for xi, yi, vxi, vyi, wi in zip(x, y, vx, vy, w)]
    m00, m01 = sum(w), sum(i * j for i, j in zip(w, true_x))
    m11 = sum(i * j * j for i, j in zip(w, true_x))
    det = m00 * m11 - m01 * m01
    reduced = sum(i * (q - a - b * p) ** 2 for i, p, q in zip(w, x, y)) / (n - 2)
    factor, scale = (mp.sqrt(reduced), mpf(1)) if deming else (mpf(1), mp.sqrt(max(mpf(1), reduced)))
    t = t_critical(level, n - 2) * scale
    return {"slope": estimate(b, mp.sqrt(m00 / det) * factor, t), "intercept": estimate(a, mp.sqrt(m11 / det) * factor, t),
            "more": [x_mean, y_mean, reduced, scale, len(brackets)]}


def groups(case):
    """Ordered (name, numbers), as tests/fit_values.h names them."""
    n, level, out = case["n"], case["level"], []
    fx, fy = case["x"], case["y"]
    x, y = [mpf(v) for v in fx], [mpf(v) for v in fy]
    family = case["family"] if case["with_family"] else list(range(n))
    add = lambda name, numbers: out.append((name, [float(v) for v in numbers]))
    line = Line(x, y)
    t, s = t_critical(level, n - 2), mp.sqrt(line.rss / (n - 2))
    se = s / mp.sqrt(line.sxx)
    add("x", [line.x_mean, min(x), max(x)])
    add("y", [line.y_mean, min(y), max(y)])
    p = 0 if line.exact else 2 * stats.t.sf(float(abs(line.slope / se)), n - 2)
    add("pearson", [line.r()] + fisher(line.r(), n, level) + [p])
    add("spearman", [Line(ranks(fx), ranks(fy)).r()])
    add("fit", [line.r() ** 2, s, mp.sqrt(line.rss / n)])
    add("slope", estimate(line.slope, se, t))
    add("intercept", estimate(line.intercept, s * mp.sqrt(mpf(1) / n + line.x_mean**2 / line.sxx), t))
    x0, x0_se = mpf(case["x0"]), mpf(0 if math.isnan(case["x0_se"]) else case["x0_se"])  # NaN: not known
    mean = s * s * (mpf(1) / n + (x0 - line.x_mean) ** 2 / line.sxx) + (line.slope * x0_se) ** 2
    add("at.mean", estimate(line.at(x0), mp.sqrt(mean), t))
    add("at.new", estimate(line.at(x0), mp.sqrt(mean + s * s), t))
    add("at.extrapolated", [not (min(x) <= x0 <= max(x) or same(x0, min(x)) or same(x0, max(x)))])
    left, one = leave_out(x, y, family), leave_out(x, y, list(range(n)))
    RANGE, NUMERIC = 6, 7
    add("left", [0, left["families"], left["used"], left["points"]] if left else [RANGE, 0, 0, 0])
    add("left.rmse", [left["rmse"], left["rmse_of_mean"]] if left else [NAN] * 2)
    add("one", [0, one["points"]] if one else [RANGE, 0])
    add("one.rmse", [one["rmse"], one["rmse_of_mean"]] if one else [NAN] * 2)
    for name, units in ("models", list(range(n))), ("families", family):
        b = bootstrap(fx, fy, units, level, case["resamples"], case["seed"])
        add(name, [0] + b[0] if b else [RANGE, 0, 0])
        for i, what in enumerate(("pearson", "slope", "intercept", "rmse")):
            add(f"{name}.{what}", b[1][i] if b else [NAN] * 2)
    vx, vy = ([mpf(v) ** 2 for v in case[se]] for se in ("x_se", "y_se"))
    known = case["with_x_se"] and case["with_y_se"] and not any(map(math.isnan, case["x_se"] + case["y_se"]))
    for name in "york", "deming":
        status = 0
        if name == "york":
            status = 0 if known and all(p + q > 0 for p, q in zip(vx, vy)) else RANGE
            b = None if status else both(x, y, vx, vy, level, False)
        else:
            b = both(x, y, [mpf(1)] * n, [mpf(case["ratio"])] * n, level, True)
        add(name, [status if b or status else NUMERIC])
        for what, k in ("slope", 4), ("intercept", 4), ("more", 5):
            add(f"{name}.{what}", b[what] if b else [NAN] * k)
    for i, row in enumerate(diagnose(x, y, case["threshold"])):
        add(f"point.{i}", row + [left["predicted"][i] if left else NAN, one["predicted"][i] if one else NAN])
    for k, row in enumerate(left["rows"] if left else []):
        add(f"left.{k}", row)
    return out


def write_case(case):
    head = [case[k] for k in ("name", "n", "level", "threshold", "resamples", "seed", "ratio", "x0", "x0_se")]
    head += [int(case[k]) for k in ("with_x_se", "with_y_se", "with_family")]
    rows = zip(case["x"], case["y"], case["x_se"], case["y_se"], case["family"])
    return "\n".join([" ".join(map(str, head))] + [" ".join(map(str, r)) for r in rows]) + "\n"

/*
 * Lines where x has errors too (fit.h): York's for known errors of each point, Deming's for a known
 * ratio.
 *
 * Least squares of y on x takes x as exact; errors of x flatten its slope. Bits per character have
 * an error bar of their own (the choice of documents), so both slopes are given.
 */
#include "stats/line.h"

#include "stats/same.h"
#include "util/fail.h"

#include <math.h>

enum { OCTAVES = 20, STEPS_AN_OCTAVE = 8, MAX_HALVINGS = 200 };

static double square(double x)
{
    return x * x;
}

/* A slope b, and the line of that slope which fits best. */
struct york {
    double slope;
    double x_mean, y_mean; /* weighted by W = 1 / (sy^2 + b^2 sx^2); the line passes through them */
    double chi_square;     /* sum of W (y - a - b x)^2 */
    double
        down; /* minus half its derivative by b: sum of W beta (V - b U), York's eq. 13 where 0 */
};

static struct york york_at(const cril_points *p, const struct cril_least_squares *s, double b)
{
    struct york y = {.slope = b};
    double weight = 0;

    /* deviations from the plain means: sums of W x would lose digits where x is far from 0 */
    for (size_t i = 0; i < p->n; i++) {
        double w = 1 / (square(p->y_se[i]) + b * b * square(p->x_se[i]));

        weight += w;
        y.x_mean += w * (p->x[i] - s->x_mean);
        y.y_mean += w * (p->y[i] - s->y_mean);
    }
    y.x_mean = s->x_mean + y.x_mean / weight;
    y.y_mean = s->y_mean + y.y_mean / weight;
    for (size_t i = 0; i < p->n; i++) {
        double vx = square(p->x_se[i]), vy = square(p->y_se[i]), w = 1 / (vy + b * b * vx);
        double u = p->x[i] - y.x_mean, v = p->y[i] - y.y_mean, e = v - b * u;

        y.chi_square += w * e * e;
        y.down += w * w * (u * vy + b * v * vx) * e;
    }
    return y;
}

/* Between two slopes the sum of squares goes down, then up: finds its minimum, to the bit. */
static struct york york_between(const cril_points *p, const struct cril_least_squares *s,
                                double low, double high, double unit)
{
    struct york y = york_at(p, s, low + (high - low) / 2);

    for (int i = 0; i < MAX_HALVINGS && high - low > 1e-20 * unit; i++) {
        if (y.down > 0)
            low = y.slope;
        else
            high = y.slope;
        if (low + (high - low) / 2 == y.slope)
            break;
        y = york_at(p, s, low + (high - low) / 2);
    }
    return y;
}

/*
 * The best of all local minima. York's equation is usually iterated, b -> sum W beta V / sum W beta
 * U; for points that scatter by more than their errors, as models do, that may run in a circle or
 * end in a minimum that is not the smallest one. So slopes from 2^-20 to 2^20 of the ratio of the
 * spreads are tried, 8 an octave, both signs, and each stretch in which the sum of squares turns
 * from falling to rising is halved to its end.
 */
static struct york york_best(const cril_points *p, const struct cril_least_squares *s,
                             size_t *n_minima)
{
    const double step = 1.0905077326652577, unit = s->syy_root / s->sxx_root; /* 2^(1/8) */
    const int side = 2 * OCTAVES * STEPS_AN_OCTAVE;
    double steep = ldexp(unit, OCTAVES), flat = ldexp(unit, -OCTAVES);
    struct york best = {.chi_square = INFINITY}, last = york_at(p, s, -steep);
    double worst = last.chi_square;

    *n_minima = 0;
    for (int k = 1; k <= 2 * side + 1; k++) { /* -steep .. -flat, flat .. steep */
        double b = k <= side ? last.slope / step : k == side + 1 ? flat : last.slope * step;
        struct york next = york_at(p, s, b);

        if (last.down > 0 && next.down <= 0) {
            struct york y = york_between(p, s, last.slope, next.slope, unit);

            if (y.chi_square < best.chi_square)
                best = y;
            ++*n_minima;
        }
        last = next;
        worst = fmax(worst, last.chi_square);
    }
    if (!(best.chi_square < (1 - CRIL_ROUNDING) * worst)) /* any slope would do */
        *n_minima = 0;
    return best;
}

/*
 * Standard errors and intervals at slope b. Variances vx_all and vy_all stand in for the points'
 * own where they are not 0 (Deming). Adjusted points lie at x_mean + beta; their weighted mean is
 * x_mean + mean(beta).
 */
static void finish(const cril_points *p, double vx_all, double vy_all, bool estimate_size, double b,
                   double x_mean, double y_mean, double level, cril_line_both *out)
{
    double weight = 0, beta_mean = 0, spread = 0, chi = 0, scale, t, slope_se, intercept_se,
           adjusted;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->n; i++) {
            double vx = vy_all > 0 ? vx_all : square(p->x_se[i]);
            double vy = vy_all > 0 ? vy_all : square(p->y_se[i]);
            double w = 1 / (vy + b * b * vx), u = p->x[i] - x_mean, v = p->y[i] - y_mean;
            double beta = w * (u * vy + b * v * vx), e = v - b * u;

            if (pass == 0) {
                weight += w;
                beta_mean += w * beta;
                chi += w * e * e;
            } else {
                spread += w * (beta - beta_mean) * (beta - beta_mean);
            }
        }
        if (pass == 0)
            beta_mean /= weight;
    }
    adjusted = x_mean + beta_mean;
    slope_se = 1 / sqrt(spread);
    intercept_se = sqrt(1 / weight + adjusted * adjusted / spread);
    out->reduced_chi_square = chi / (double)(p->n - 2);
    scale = sqrt(fmax(1, out->reduced_chi_square));
    if (estimate_size) {
        slope_se *= sqrt(out->reduced_chi_square);
        intercept_se *= sqrt(out->reduced_chi_square);
        scale = 1;
    }
    t = cril_t_critical(level, p->n - 2) * scale;
    out->level = level;
    out->scale = scale;
    out->x_mean = x_mean;
    out->y_mean = y_mean;
    out->slope = cril_estimate_of(b, slope_se, t);
    out->intercept = cril_estimate_of(y_mean - b * x_mean, intercept_se, t);
}

static bool is_finite(const cril_line_both *l)
{
    return isfinite(l->slope.low) && isfinite(l->slope.high) && isfinite(l->intercept.low) &&
           isfinite(l->intercept.high) && isfinite(l->reduced_chi_square);
}

static cril_status check_errors(const cril_points *p, cril_error *err)
{
    static const char *const names[] = {"x", "y"};
    const double *const se[] = {p->x_se, p->y_se};

    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < 2; k++)
            if (!se[k] || isnan(se[k][i]))
                return cril_fail(err, CRIL_ERR_RANGE,
                                 "line: the standard error of %s of point %zu is not known; a line "
                                 "with errors in both needs those of every point",
                                 names[k], i);
        if (!(square(p->x_se[i]) + square(p->y_se[i]) > 0))
            return cril_fail(err, CRIL_ERR_RANGE,
                             "line: point %zu has a standard error of 0 in x and in y; a line "
                             "with errors in both would have to pass through it",
                             i);
    }
    return CRIL_OK;
}

cril_status cril_line_york(const cril_points *points, double level, cril_line_both *line,
                           cril_error *err)
{
    if (CRIL_LACKS(err, points, line))
        return CRIL_ERR_RANGE;

    struct cril_least_squares s;
    struct york y;
    cril_line_both l = {0};
    cril_status st;

    if ((st = cril_level_check(level, err)) != CRIL_OK ||
        (st = cril_points_check(points, true, &s, err)) != CRIL_OK ||
        (st = check_errors(points, err)) != CRIL_OK)
        return st;
    y = york_best(points, &s, &l.n_minima);
    if (l.n_minima > 0)
        finish(points, 0, 0, false, y.slope, y.x_mean, y.y_mean, level, &l);
    if (l.n_minima == 0 || !is_finite(&l))
        return cril_fail(err, CRIL_ERR_NUMERIC,
                         "line: with these errors in x and y no slope is the best one (it is "
                         "vertical, or the errors "
                         "are too small or too large for the data)");
    *line = l;
    return CRIL_OK;
}

/*
 * The slope that minimises sum (y - a - b x)^2 / (ratio + b^2): ratio sxx b^2 ... a quadratic in b,
 * of whose two roots one is the best line and the other the worst. Written without a difference of
 * like numbers.
 */
static double deming_slope(const struct cril_least_squares *s, double ratio)
{
    const double rounding = 2 * (s->y_rounding * s->syy_root + ratio * s->x_rounding * s->sxx_root);
    double d = s->syy - ratio * s->sxx, c = 2 * sqrt(ratio) * s->sxy, root;

    if (fabs(d) <= rounding)
        d = 0;
    root = sqrt(d * d + c * c);
    return d > 0 ? (d + root) / (2 * s->sxy) : 2 * ratio * s->sxy / (root - d);
}

cril_status cril_line_deming(const cril_points *points, double variance_ratio, double level,
                             cril_line_both *line, cril_error *err)
{
    if (CRIL_LACKS(err, points, line))
        return CRIL_ERR_RANGE;

    struct cril_least_squares s;
    cril_line_both l = {.n_minima = 1};
    cril_status st;
    double b;

    if ((st = cril_level_check(level, err)) != CRIL_OK)
        return st;
    if (!(variance_ratio > 0) || isinf(variance_ratio))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: variance ratio %g; need one above 0, such as 1", variance_ratio);
    if ((st = cril_points_check(points, false, &s, err)) != CRIL_OK)
        return st;
    b = deming_slope(&s, variance_ratio);
    if (isfinite(b))
        finish(points, 1, variance_ratio, true, b, s.x_mean, s.y_mean, level, &l);
    if (!isfinite(b) || !is_finite(&l))
        return cril_fail(err, CRIL_ERR_NUMERIC,
                         "line: with variance ratio %g no slope is the best one (it is vertical, "
                         "or any would do)",
                         variance_ratio);
    *line = l;
    return CRIL_OK;
}

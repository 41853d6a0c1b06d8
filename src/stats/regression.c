/* The fitted line's figures, and what it predicts (fit.h). */
#include "stats/line.h"

#include "stats/same.h"
#include "util/fail.h"

#include <cril/distribution.h>
#include <math.h>

cril_status cril_line_fit(const cril_points *points, double level, cril_line *line, cril_error *err)
{
    if (CRIL_LACKS(err, points, line))
        return CRIL_ERR_RANGE;

    struct cril_least_squares s;
    size_t n = points->n;
    double se, t;
    cril_line l;
    cril_status st;

    if ((st = cril_level_check(level, err)) != CRIL_OK ||
        (st = cril_points_check(points, false, &s, err)) != CRIL_OK)
        return st;
    l = (cril_line){.n = n,
                    .level = level,
                    .pearson = s.r,
                    .r_squared = s.r * s.r,
                    .x_mean = s.x_mean,
                    .x_min = s.x_min,
                    .x_max = s.x_max,
                    .x_sum_squares = s.sxx,
                    .y_mean = s.y_mean,
                    .y_min = s.y_min,
                    .y_max = s.y_max};
    l.residual_se = sqrt(s.rss / (double)(n - 2));
    l.rmse = sqrt(s.rss / (double)n);
    t = cril_t_critical(level, n - 2);
    se = l.residual_se / sqrt(s.sxx);
    l.slope = cril_estimate_of(s.slope, se, t);
    se = l.residual_se * sqrt(1 / (double)n + s.x_mean * s.x_mean / s.sxx);
    l.intercept = cril_estimate_of(s.y_mean - s.slope * s.x_mean, se, t);
    l.p_value = s.exact ? 0 : 2 * cril_student_cdf(-fabs(s.slope / l.slope.se), (double)(n - 2));
    cril_fisher_interval(s.r, n, level, &l.pearson_low, &l.pearson_high);
    if ((st = cril_spearman(points->x, points->y, n, &l.spearman, err)) != CRIL_OK)
        return st;
    *line = l;
    return CRIL_OK;
}

cril_status cril_line_predict(const cril_line *line, double x, double x_se, double level,
                              cril_prediction *prediction, cril_error *err)
{
    if (CRIL_LACKS(err, line, prediction))
        return CRIL_ERR_RANGE;

    double from_mean = x - line->x_mean, value = line->y_mean + line->slope.value * from_mean;
    double variance = line->residual_se * line->residual_se,
           of_x = isnan(x_se) ? 0 : line->slope.value * x_se, mean, t;
    cril_prediction p = {.x = x, .x_se = x_se, .level = level};
    cril_status st;

    if ((st = cril_level_check(level, err)) != CRIL_OK)
        return st;
    if (!isfinite(x))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: cannot predict at x = %g; need a finite number", x);
    if (x_se < 0 || isinf(x_se))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: standard error of x is %g; need a number of at least 0, or NaN "
                         "where it is not known",
                         x_se);
    t = cril_t_critical(level, line->n - 2);
    mean = variance * (1 / (double)line->n + from_mean * from_mean / line->x_sum_squares) +
           of_x * of_x;
    if (!isfinite(value) || !isfinite(mean))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "line: the prediction at x = %g is too large for a double", x);
    p.mean = cril_estimate_of(value, sqrt(mean), t);
    p.new_model = cril_estimate_of(value, sqrt(mean + variance), t);
    p.extrapolated = (x < line->x_min && !cril_same(x, line->x_min)) ||
                     (x > line->x_max && !cril_same(x, line->x_max));
    *prediction = p;
    return CRIL_OK;
}

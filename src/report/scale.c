/* Scales (scale.h): steps are 1, 2 or 5 times a power of ten, and so are marks. */
#include "report/scale.h"

#include "report/markup.h"
#include "util/fmath.h"

#include <cril/number.h>
#include <math.h>
#include <string.h>

enum { MAX_DECIMALS = 12 }; /* finer than any figure that is drawn */

static double position(const struct cril_scale *s, double v)
{
    return s->is_log ? cril_log(fmax(v, s->low) / s->low) / cril_log(s->high / s->low)
                     : (v - s->low) / (s->high - s->low);
}

double cril_scale_at(const struct cril_scale *s, double v)
{
    return s->from + position(s, v) * (s->to - s->from);
}

/* The smallest such step that is not below wanted. */
static void choose_step(struct cril_scale *s, double wanted)
{
    static const double factors[] = {1, 2, 5, 10};
    double power = 1;
    size_t i = 0;

    s->decimals = 0;
    for (; power > wanted && s->decimals < MAX_DECIMALS; s->decimals++)
        power /= 10;
    for (int k = 0; power * 10 <= wanted && k < 300; k++)
        power *= 10;
    while (i < 3 && factors[i] * power < wanted)
        i++;
    s->step = factors[i] * power;
    if (i == 3 && s->decimals)
        s->decimals--;
}

static size_t steps(const struct cril_scale *s, double ticks[CRIL_SCALE_TICKS])
{
    const double from = -floor(-s->low / s->step), to = floor(s->high / s->step);
    const size_t n = to >= from && to - from < CRIL_SCALE_TICKS ? (size_t)(to - from) + 1 : 0;

    for (size_t i = 0; i < n; i++)
        ticks[i] = from * s->step + (double)i * s->step;
    return n;
}

static size_t marks(const struct cril_scale *s, double ticks[CRIL_SCALE_TICKS])
{
    static const double factors[] = {1, 2, 5};
    double power = 1;
    size_t n = 0;

    while (power > s->low)
        power /= 10;
    while (power * 10 <= s->low)
        power *= 10;
    for (; power <= s->high; power *= 10)
        for (size_t i = 0; i < s->n_marks && n < CRIL_SCALE_TICKS; i++)
            if (factors[i] * power >= s->low && factors[i] * power <= s->high)
                ticks[n++] = factors[i] * power;
    return n;
}

size_t cril_scale_ticks(const struct cril_scale *s, double ticks[CRIL_SCALE_TICKS])
{
    return s->step > 0 ? steps(s, ticks) : marks(s, ticks);
}

static void set_steps(struct cril_scale *s, double n)
{
    double ticks[CRIL_SCALE_TICKS];

    for (int k = 0; k < 4; k++, n *= 1.5) {
        choose_step(s, (s->high - s->low) / n);
        if (steps(s, ticks) > 1)
            break;
    }
}

void cril_scale_set(struct cril_scale *s, double low, double high, double margin, double n)
{
    const double width = high > low ? high - low : fabs(low) > 0 ? 0.2 * fabs(low) : 1;

    s->is_log = false;
    s->low = (high > low ? low : low - width / 2) - margin * width;
    s->high = (high > low ? high : low + width / 2) + margin * width;
    set_steps(s, n);
}

/* Over less than a power of ten or so, steps are rounder than marks. */
void cril_scale_set_log(struct cril_scale *s, double low, double high, double margin, double n)
{
    const double more = cril_exp(margin * cril_log(high > 1.2 * low ? high / low : 1.2));
    double ticks[CRIL_SCALE_TICKS];

    s->is_log = true;
    s->low = (high > 1.2 * low ? low : low / 1.1) / more;
    s->high = (high > 1.2 * low ? high : high * 1.1) * more;
    s->step = 0;
    s->n_marks = 3;
    if ((double)marks(s, ticks) > 1.5 * n)
        s->n_marks = 1;
    if (marks(s, ticks) < 3)
        set_steps(s, n);
}

/* ---- Texts ---- */

static double divisor(const struct cril_scale *s, double tick, const char **name)
{
    static const struct {
        enum cril_scale_unit unit;
        double from, size;
        const char *name;
    } rows[] = {
        {CRIL_SCALE_BYTES, 1e12, 1e12, " TB"}, {CRIL_SCALE_BYTES, 1e9, 1e9, " GB"},
        {CRIL_SCALE_BYTES, 1e6, 1e6, " MB"},   {CRIL_SCALE_BYTES, 1e3, 1e3, " kB"},
        {CRIL_SCALE_BYTES, 0, 1, " B"},        {CRIL_SCALE_COUNT, 1e6, 1e6, "M"},
        {CRIL_SCALE_COUNT, 1e4, 1e3, "k"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].unit == s->unit && tick >= rows[i].from) {
            *name = rows[i].name;
            return rows[i].size;
        }
    *name = "";
    return 1;
}

/* Steps of a plain scale have their decimals all alike. */
static bool is_fixed(const struct cril_scale *s)
{
    return s->unit == CRIL_SCALE_PLAIN && s->step > 0;
}

void cril_scale_write(FILE *f, const struct cril_scale *s, double tick)
{
    const char *name;
    const double size = divisor(s, tick, &name);
    char text[CRIL_NUMBER_SIZE];

    if (is_fixed(s))
        cril_markup_number(f, tick, s->decimals);
    else
        cril_markup_put(f, "%t%s", cril_number_write(text, tick / size, 6), name);
}

double cril_scale_width(const struct cril_scale *s, double tick)
{
    const char *name;
    const double size = divisor(s, tick, &name);
    double n = 1 + (tick < 0) + (s->decimals ? s->decimals + 0.5 : 0);
    char text[CRIL_NUMBER_SIZE];

    if (!is_fixed(s))
        return 0.65 * (double)(strlen(cril_number_write(text, tick / size, 6)) + strlen(name));
    for (double a = fabs(tick); a >= 10 && n < 20; a /= 10)
        n++;
    return n * 0.65;
}

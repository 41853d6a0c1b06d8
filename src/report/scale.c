/* Scales (scale.h): steps are 1, 2 or 5 times a power of ten. */
#include "report/scale.h"

#include <math.h>

enum { MAX_DECIMALS = 12 }; /* finer than any figure that is drawn */

double cril_scale_at(const struct cril_scale *s, double v)
{
    return s->from + (v - s->low) / (s->high - s->low) * (s->to - s->from);
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

size_t cril_scale_ticks(const struct cril_scale *s, double *first)
{
    const double from = -floor(-s->low / s->step), to = floor(s->high / s->step);

    *first = from * s->step;
    return to >= from && to - from < 50 ? (size_t)(to - from) + 1 : 0;
}

void cril_scale_set(struct cril_scale *s, double low, double high, double margin, double n)
{
    const double width = high > low ? high - low : fabs(low) > 0 ? 0.2 * fabs(low) : 1;
    double first;

    s->low = (high > low ? low : low - width / 2) - margin * width;
    s->high = (high > low ? high : low + width / 2) + margin * width;
    for (int k = 0; k < 4; k++, n *= 1.5) {
        choose_step(s, (s->high - s->low) / n);
        if (cril_scale_ticks(s, &first) > 1)
            break;
    }
}

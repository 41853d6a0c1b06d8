/* Histograms (columns.h): SVG with the classes of the report's figures. */
#include "report/columns.h"

#include "report/markup.h"
#include "report/scale.h"

#include <math.h>
#include <string.h>

struct drawing {
    FILE *f;
    const struct cril_columns *c;
    double width, height, font;
    struct cril_scale y;
    double left, step; /* of the first column; between two */
};

void cril_write_count(FILE *f, uint64_t n)
{
    char digits[32];
    const int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            putc(',', f);
        putc(digits[i], f);
    }
}

static uint64_t largest(const struct cril_columns *c)
{
    uint64_t max = 1;

    for (size_t i = 0; i < c->n; i++)
        max = c->counts[i] > max ? c->counts[i] : max;
    return max;
}

static void write_grid(struct drawing *d)
{
    double ticks[CRIL_SCALE_TICKS];
    const size_t n = cril_scale_ticks(&d->y, ticks);

    fputs("<g class=\"ax\">", d->f);
    for (size_t i = 0; i < n; i++) {
        const double y = cril_scale_at(&d->y, ticks[i]);

        if (ticks[i] > floor(ticks[i]))
            continue; /* no count */
        cril_markup_put(d->f, "<path d=\"M%c %cH%c\"/><text x=\"%c\" y=\"%c\" text-anchor=\"end\">",
                        d->left, y, d->width, d->left - d->font * 0.5, y + d->font * 0.35);
        cril_scale_write(d->f, &d->y, ticks[i]);
        fputs("</text>", d->f);
    }
    fputs("</g>\n", d->f);
}

/* Every how many columns there is room for a label. */
static size_t label_step(const struct drawing *d)
{
    char text[CRIL_COLUMNS_TEXT];
    double widest = 0;
    size_t step = 1;

    for (size_t i = 0; i < d->c->n; i++) {
        double width;

        d->c->label(d->c->user, i, text);
        width = (cril_markup_width(text, strlen(text)) + 0.8) * d->font;
        widest = width > widest ? width : widest;
    }
    while ((double)step * d->step < widest)
        step++;
    return step;
}

static void write_labels(struct drawing *d)
{
    const size_t step = label_step(d);
    char text[CRIL_COLUMNS_TEXT];

    fputs("<g class=\"ax\">", d->f);
    for (size_t i = 0; i < d->c->n; i += step) {
        const double x = d->left + ((double)i + 0.5) * d->step;

        d->c->label(d->c->user, i, text);
        if (i && x + cril_markup_width(text, strlen(text)) * d->font / 2 > d->width)
            break;
        cril_markup_put(d->f, "<text x=\"%c\" y=\"%c\" text-anchor=\"middle\">%t</text>", x,
                        d->y.from + d->font * 1.4, text);
    }
    fputs("</g>\n", d->f);
}

static void write_column(struct drawing *d, size_t i)
{
    const double gap = d->step > 6 ? 1 : 0, x = d->left + (double)i * d->step + gap,
                 y = cril_scale_at(&d->y, (double)d->c->counts[i]);
    char text[CRIL_COLUMNS_TEXT];

    if (!d->c->counts[i])
        return;
    d->c->say(d->c->user, i, text);
    cril_markup_put(d->f, "<g><title>%t: ", text);
    cril_write_count(d->f, d->c->counts[i]);
    /* At least a line, so that no column with a document is invisible. */
    cril_markup_put(d->f, "</title><path class=\"c0\" d=\"M%c %cV%ch%cV%cz\"/></g>\n", x, d->y.from,
                    y < d->y.from - 1 ? y : d->y.from - 1, d->step - 2 * gap, d->y.from);
}

static void draw(FILE *f, const struct cril_columns *c, const char *class, double width)
{
    struct drawing d = {.f = f, .c = c, .width = width, .font = width < 600 ? 11 : 13};
    double ticks[CRIL_SCALE_TICKS];

    d.height = width < 600 ? 210 : 260;
    cril_scale_set(&d.y, 0, (double)largest(c), 0, 4);
    d.y.unit = CRIL_SCALE_COUNT;
    d.y.from = d.height - d.font * 3.4;
    d.y.to = d.font * 2;
    for (size_t i = 0, n = cril_scale_ticks(&d.y, ticks); i < n; i++) {
        const double room = (cril_scale_width(&d.y, ticks[i]) + 0.8) * d.font;

        d.left = room > d.left ? room : d.left;
    }
    d.step = (width - d.left) / (double)c->n;
    if (d.step > 80)
        d.step = 80;
    cril_markup_put(f,
                    "<svg class=\"plot %s\" viewBox=\"0 0 %c %c\" role=\"group\" "
                    "aria-label=\"%s by %s\">\n",
                    class, width, d.height, c->y, c->x);
    write_grid(&d);
    for (size_t i = 0; i < c->n; i++)
        write_column(&d, i);
    cril_markup_put(f, "<path class=\"fr\" d=\"M%c %cH%c\"/>\n", d.left, d.y.from, width);
    write_labels(&d);
    cril_markup_put(f,
                    "<text class=\"at\" x=\"0\" y=\"%c\">%s</text><text class=\"at\" x=\"%c\" "
                    "y=\"%c\" text-anchor=\"end\">%s</text></svg>\n",
                    d.font, c->y, width, d.height - d.font * 0.5, c->x);
}

void cril_columns_draw(FILE *f, const struct cril_columns *c)
{
    draw(f, c, "wide", 960);
    draw(f, c, "narrow", 343);
}

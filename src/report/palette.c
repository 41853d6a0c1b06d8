/*
 * Colours and rules of drawings (palette.h).
 *
 * Text has a contrast of 4.5:1 or more with what it stands on, marks 3:1 (WCAG 2.2), grid lines and
 * rules excepted; tests/test_html.c computes it. The seven colours of families are distinct for
 * colour-blind readers, too (two of them 14 or more in CIELAB, seen through Machado, Oliveira &
 * Fernandes 2009), and shapes tell them apart as well.
 */
#include "report/palette.h"

#include <stddef.h>
#include <string.h>

static const struct colour {
    const char *name, *light, *dark;
} colours[] = {
    {"bg", "#fff", "#14171b"},      {"ink", "#1b1d20", "#e8e9eb"},  {"soft", "#565b63", "#a9afb8"},
    {"rule", "#d8d8d3", "#363b42"}, {"axis", "#74777d", "#767d87"}, {"grid", "#ececea", "#252a30"},
    {"link", "#0b559f", "#8cbcf3"}, {"new", "#f6f6f3", "#1b2026"},  {"mean", "#e8ebee", "#2d343d"},
    {"off", "#fdf3d7", "#3a3216"},  {"c0", "#08519c", "#5b9fe6"},   {"c1", "#a8200d", "#ff8f4d"},
    {"c2", "#00805f", "#2fb98c"},   {"c3", "#b0438a", "#ee9bd0"},   {"c4", "#978300", "#f2dc6b"},
    {"c5", "#3389c0", "#62dcf2"},   {"c6", "#3b3f45", "#e4e6ea"},
};

enum { N_COLOURS = sizeof(colours) / sizeof(colours[0]) };

static const char rules[] =
    ".plot.narrow{font-size:11px}.plot.small{font-size:10.5px}\n"
    ".plot text{fill:var(--ink)}.ax text{fill:var(--soft)}.ax "
    "path{stroke:var(--grid);fill:none}.at{font-weight:600}\n"
    ".fr{stroke:var(--axis);fill:none}.ln{stroke:var(--ink);stroke-width:1.6;fill:none}.small "
    ".ln{stroke-width:1.2}\n"
    ".pb{fill:var(--new)}.cb{fill:var(--mean)}.pb-e,.cb-e{fill:none;stroke:var(--axis);"
    "stroke-width:.75}.pb-e{stroke-width:1;stroke-dasharray:4 4}\n"
    ".eb{stroke:var(--soft);stroke-width:1.2;fill:none}.rb{stroke:var(--axis);stroke-width:2;fill:"
    "none}\n"
    ".ld{stroke:var(--axis);stroke-width:.8;fill:none}.fl{stroke:var(--ink);stroke-width:1.5;fill:"
    "none}\n"
    ".plot .lb{fill:var(--ink);stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}\n"
    ".no{visibility:hidden}.pt:hover .no,.pt:focus .no{visibility:visible}.pt:hover .lb,.pt:focus "
    ".lb{font-weight:700}\n"
    ".pt:focus{outline:none}.hit{fill:transparent}.pt:focus .hit,.pt:hover "
    ".hit{stroke:var(--ink);stroke-width:1.5}\n"
    ".bl{stroke:var(--ink);stroke-width:1.4;fill:none}.plot "
    ".bn{fill:var(--ink);stroke:var(--bg);stroke-width:3px}\n"
    ".bg{fill:var(--bg)}.ft{stroke:var(--axis);stroke-width:1.6;fill:none}\n"
    "use{stroke:var(--bg);stroke-width:.9}\n"
    ".c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)"
    "}.c5{fill:var(--c5)}.c6{fill:var(--c6)}\n"
    ".cv{fill:none;stroke-width:1.6}.l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}"
    ".l3{stroke:var(--c3)}.l4{stroke:var(--c4)}.l5{stroke:var(--c5)}.l6{stroke:var(--c6)}\n";

void cril_palette_write(FILE *f, bool dark)
{
    for (size_t i = 0; i < N_COLOURS; i++)
        fprintf(f, "--%s:%s;", colours[i].name, dark ? colours[i].dark : colours[i].light);
}

void cril_palette_write_root(FILE *f)
{
    fputs(":root{", f);
    cril_palette_write(f, false);
    fputs("--sans:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation "
          "Sans',sans-serif;--serif:Charter,'Bitstream Charter','Iowan Old Style','Source Serif "
          "4','Noto Serif',Georgia,'Liberation Serif',serif;color-scheme:light}\n"
          "@media screen and (prefers-color-scheme:dark){:root{",
          f);
    cril_palette_write(f, true);
    fputs("color-scheme:dark}}\n", f);
}

void cril_palette_write_rules(FILE *f)
{
    fputs(rules, f);
}

/* The colour that text begins with the name of. */
static const struct colour *find(const char *text)
{
    size_t i = 0;

    while (i + 1 < N_COLOURS && (strncmp(colours[i].name, text, strlen(colours[i].name)) != 0 ||
                                 text[strlen(colours[i].name)] != ')'))
        i++;
    return &colours[i];
}

void cril_palette_write_plain_rules(FILE *f, bool dark)
{
    static const char before[] = "var(--";
    const char *at = rules, *next;

    for (; (next = strstr(at, before)); at = strchr(next, ')') + 1) {
        const struct colour *c = find(next + strlen(before));

        fwrite(at, 1, (size_t)(next - at), f);
        fputs(dark ? c->dark : c->light, f);
    }
    fputs(at, f);
}

/* The sections on method, identities and repetition. */
#include "report/page.h"

#include "report/markup.h"

#include <string.h>

static bool has_origin(const cril_known *known, size_t n, cril_origin origin)
{
    for (size_t i = 0; i < n; i++)
        if (known[i].origin == origin)
            return true;
    return false;
}

/* Of bits per character. */
static bool has_errors(const cril_study_table *t)
{
    for (size_t i = 0; i < t->n_models * t->n_corpora; i++)
        if (t->bpc[i].se > 0)
            return true;
    return false;
}

struct origins {
    bool bpc_measured, bpc_imported, scores_measured, scores_imported;
};

static struct origins find_origins(const cril_study_table *t)
{
    const size_t n_bpc = t->n_models * t->n_corpora, n_scores = t->n_models * t->n_benchmarks;

    return (struct origins){has_origin(t->bpc, n_bpc, CRIL_ORIGIN_MEASURED),
                            has_origin(t->bpc, n_bpc, CRIL_ORIGIN_IMPORTED),
                            has_origin(t->score, n_scores, CRIL_ORIGIN_MEASURED),
                            has_origin(t->score, n_scores, CRIL_ORIGIN_IMPORTED)};
}

static const char *summary_of(const char *protocol)
{
    for (size_t i = 0; cril_protocol_name(i); i++)
        if (strcmp(cril_protocol_name(i), protocol) == 0)
            return cril_protocol_summary(i);
    return "";
}

/* ---- Method ---- */

static void write_protocol(const struct cril_page *p)
{
    const cril_study_protocol *q = p->protocol;
    const char *summary = q ? summary_of(q->name) : "";

    if (!q)
        return;
    cril_markup_put(p->f, "<dt>Protocol of what cril measured</dt><dd><code>%t</code>%s%t", q->name,
                    summary[0] ? ": " : "", summary);
    if (q->context)
        cril_markup_put(p->f, "; here with a context of %z tokens", q->context);
    if (q->stride)
        cril_markup_put(p->f, "%s a stride of %z tokens", q->context ? " and" : "; here with",
                        q->stride);
    fputs(".</dd>\n", p->f);
}

/* By which task and protocol a benchmark was measured. A source also says how many items could not
 * be run, which depends on the model: the shortest one does not. NULL: nothing was measured. */
static const char *source_of(const cril_study_table *t, size_t benchmark)
{
    const char *source = NULL;

    for (size_t m = 0; m < t->n_models; m++) {
        const cril_known *k = &t->score[m * t->n_benchmarks + benchmark];

        if (k->origin == CRIL_ORIGIN_MEASURED && (!source || strlen(k->source) < strlen(source)))
            source = k->source;
    }
    return source;
}

/* Each benchmark that was measured, and the models for which items of it could not be run. */
static void write_tasks(const struct cril_page *p)
{
    const cril_study_table *t = p->table;
    bool any = false;

    fputs("<dt>Benchmarks that cril measured</dt><dd>", p->f);
    for (size_t b = 0; b < t->n_benchmarks; b++) {
        const char *source = source_of(t, b);

        if (!source)
            continue;
        cril_markup_put(p->f, "%s<bdi>%t</bdi>: %t", any ? "; " : "", p->info->benchmarks[b].name,
                        source);
        any = true;
        for (size_t m = 0; m < t->n_models; m++) {
            const cril_known *k = &t->score[m * t->n_benchmarks + b];

            if (k->origin == CRIL_ORIGIN_MEASURED && strcmp(k->source, source) != 0)
                cril_markup_put(p->f, "; of <bdi>%t</bdi>: %t", p->info->models[m].name, k->source);
        }
    }
    fputs(".</dd>\n", p->f);
}

static void write_versions(const struct cril_page *p)
{
    const int numerics = p->options->numerics ? p->options->numerics : CRIL_NUMERICS;

    cril_markup_put(
        p->f, "<dt>Program</dt><dd>cril %t, numerics %s%z: the same bits on every machine.</dd>\n",
        p->options->version ? p->options->version : CRIL_VERSION, numerics < 0 ? "−" : "",
        (size_t)(numerics < 0 ? -numerics : numerics));
}

/* Of scores and lines. */
static void write_words_of_lines(const struct cril_page *p)
{
    fputs("<dt>Score</dt><dd>A benchmark’s, as a "
          "share of what can be reached. A "
          "group’s score is the mean of its benchmarks; “mean” is the mean of the groups’ means, "
          "as in Huang et al. (2024).</dd>\n"
          "<dt>Line</dt><dd>Least squares, score on bits per character. A model takes part if all "
          "numbers are known that the line needs. "
          "Huang et al. (2024) found <i>r</i> between −0.93 and −0.96 in each of three areas: "
          "compression goes with ability, linearly.</dd>\n",
          p->f);
    cril_markup_put(
        p->f,
        "<dt>Intervals of a line</dt><dd>At %0&nbsp;%%. “Families resampled”: bootstrap of "
        "whole families, %z times, seed %z, since models "
        "of one family are not independent (Efron &amp; Tibshirani 1993; Davison &amp; "
        "Hinkley 1997). Those of a slope "
        "otherwise: Student’s <i>t</i>; of <i>r</i>: Fisher’s.</dd>\n",
        100 * p->line.level, p->line.resamples, (size_t)p->line.seed);
    cril_markup_put(p->f,
                    "<dt>Off the line</dt><dd>A residual above %1 standard errors, which are "
                    "estimated without the model (externally "
                    "studentised); Cook’s distance: how far all of the line moves without it (Cook "
                    "&amp; Weisberg 1982).</dd>\n"
                    "<dt>Errors in both</dt><dd>The plain line takes bits per character as exact, "
                    "which flattens it. The orthogonal line "
                    "and York’s do not (York et al. 2004).</dd>\n",
                    p->line.threshold);
}

static void write_words(const struct cril_page *p)
{
    const struct origins from = find_origins(p->table);

    fputs("<dl class=\"prose words\">\n<dt>Bits per character</dt><dd>What a language model needs "
          "to encode a text without loss, by "
          "arithmetic coding, for each character (Unicode code point). Fewer is better "
          "compression, and better prediction: the two are "
          "one (Shannon 1948; Delétang et al. 2024).</dd>\n",
          p->f);
    if (has_errors(p->table))
        cril_markup_put(p->f,
                        "<dt>Interval of a model’s bits per character</dt><dd>At %0&nbsp;%%, over "
                        "documents.</dd>\n",
                        100 * p->line.level);
    if (cril_page_has_divergences(p))
        fputs(
            "<dt>Divergence from a base</dt><dd>Kullback-Leibler: the mean over tokens of the sum "
            "over the vocabulary of <i>p</i> (ln <i>p</i> − ln <i>q</i>), <i>p</i> the base’s "
            "probabilities, <i>q</i> the model’s, in nats; 0 where both are the same. Same top: "
            "tokens whose most likely id is the base’s.</dd>\n",
            p->f);
    if (p->info->n_fits)
        write_words_of_lines(p);
    if (from.bpc_measured)
        write_protocol(p);
    if (from.scores_measured)
        write_tasks(p);
    if (!from.bpc_measured && !from.scores_measured)
        fputs("<dt>Origin</dt><dd>cril measured nothing on this page: all figures are imported, "
              "and their sources are named under "
              "Table 1.</dd>\n",
              p->f);
    write_versions(p);
    fputs("</dl>\n", p->f);
}

static void write_references(const struct cril_page *p)
{
    fputs(
        "<h3>References</h3>\n<ul class=\"refs\">\n"
        "<li>Huang, Y., Zhang, J., Shan, Z., He, J. (2024). Compression represents intelligence "
        "linearly. COLM. "
        "<a href=\"https://arxiv.org/abs/2404.09937\">arXiv:2404.09937</a></li>\n"
        "<li>Delétang, G. et al. (2024). Language modeling is compression. ICLR. "
        "<a href=\"https://arxiv.org/abs/2309.10668\">arXiv:2309.10668</a></li>\n"
        "<li>Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical "
        "Journal 27.</li>\n",
        p->f);
    if (p->info->n_fits)
        fputs(
            "<li>Efron, B., Tibshirani, R. J. (1993). An introduction to the bootstrap. Chapman "
            "&amp; "
            "Hall.</li>\n"
            "<li>Davison, A. C., Hinkley, D. V. (1997). Bootstrap methods and their application. "
            "Cambridge University Press.</li>\n"
            "<li>Cook, R. D., Weisberg, S. (1982). Residuals and influence in regression. Chapman "
            "&amp; Hall.</li>\n"
            "<li>York, D., Evensen, N. M., López Martínez, M., De Basabe Delgado, J. (2004). "
            "Unified "
            "equations for the slope, intercept, and "
            "standard errors of the best straight line. American Journal of Physics 72.</li>\n",
            p->f);
    fputs("</ul>\n", p->f);
}

/* ---- Identities ---- */

static const char *identity_of(const cril_report_identity *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].sha256;
    return NULL;
}

static void write_identity(const struct cril_page *p, const char *kind, const char *name,
                           const char *sha256)
{
    if (sha256)
        cril_markup_put(p->f,
                        "<tr><th scope=\"row\"><bdi>%t</bdi></th><td class=\"t k\">%s</td><td "
                        "class=\"hash\">%t</td></tr>\n",
                        name, kind, sha256);
}

static void write_identities(struct cril_page *p)
{
    const cril_report_options *o = p->options;
    const cril_study_info *s = p->info;

    fputs("<section id=\"identities\"><h2>Identities</h2>\n", p->f);
    if (!o->n_identified_models && !o->n_identified_corpora) {
        fputs("<p>No file of a model or corpus is known to this study: figures were imported by "
              "name.</p>\n</section>\n",
              p->f);
        return;
    }
    cril_page_start_table(
        p, "hashes",
        "What the names stand for: SHA-256 of each file’s bytes. Names that are not here stand for "
        "imported figures only.");
    fputs("<thead><tr><th scope=\"col\" class=\"t\">name</th><th scope=\"col\" "
          "class=\"t\">kind</th><th scope=\"col\" class=\"t\">SHA-256</th>"
          "</tr></thead>\n<tbody>\n",
          p->f);
    for (size_t i = 0; i < s->n_models; i++)
        write_identity(p, "model", s->models[i].name,
                       identity_of(o->models, o->n_identified_models, s->models[i].name));
    for (size_t i = 0; i < s->n_corpora; i++)
        write_identity(p, "corpus", s->corpora[i].name,
                       identity_of(o->corpora, o->n_identified_corpora, s->corpora[i].name));
    fputs("</tbody></table></div>\n</section>\n", p->f);
}

/* ---- Again ---- */

/* A file's name, as a shell takes it. */
static void write_quoted(const struct cril_page *p, const char *name)
{
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")] ==
        '\0') {
        cril_markup_put(p->f, "%t", name);
        return;
    }
    cril_markup_put(p->f, "'");
    for (const char *c = name; *c;) {
        const size_t len = strcspn(c, "'");

        cril_markup_text(p->f, c, len);
        c += len;
        if (*c == '\'')
            cril_markup_put(p->f, "%t", "'\\''"), c++;
    }
    cril_markup_put(p->f, "'");
}

static void write_command(const struct cril_page *p, const char *before, const char *after)
{
    const char *slash = strrchr(p->info->path, '/');

    cril_markup_put(p->f, "%s ", before);
    write_quoted(p, slash ? slash + 1 : p->info->path);
    cril_markup_put(p->f, "%s\n", after);
}

static void write_repeat(const struct cril_page *p)
{
    const struct origins from = find_origins(p->table);

    fputs("<section id=\"repeat\"><h2>How to repeat it</h2>\n<pre tabindex=\"0\">", p->f);
    if (from.bpc_measured || from.scores_measured)
        write_command(p, "cril study run", "");
    if (from.bpc_imported || from.scores_imported) {
        write_command(p, "cril study import",
                      from.bpc_imported && from.scores_imported
                          ? " --bpc bpc.csv --scores scores.csv"
                      : from.bpc_imported ? " --bpc bpc.csv"
                                          : " --scores scores.csv");
    }
    if (p->info->n_fits)
        write_command(p, "cril fit", "");
    write_command(p, "cril report", " -o report.html");
    fputs("</pre>\n<p>The study file names models, corpora and benchmarks; measured figures have "
          "the same bits on any machine, so this page has the same bytes.</p>\n</section>\n",
          p->f);
}

void cril_page_method(struct cril_page *p)
{
    fputs("<section id=\"method\"><h2>Method</h2>\n", p->f);
    write_words(p);
    write_references(p);
    fputs("</section>\n", p->f);
    write_identities(p);
    write_repeat(p);
}

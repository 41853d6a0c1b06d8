/*
 * The card of a corpus as a page (cril/card.h): what is in it, from where, by which rules, what
 * each step did, how to make it again; then the same of its inputs, as far as they have cards.
 *
 * A card may be anybody's: what it lacks is left out, what it has besides is not looked at.
 */
#include <cril/card.h>

#include "gather/card.h"
#include "report/columns.h"
#include "report/markup.h"
#include "report/style.h"
#include "util/fail.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 20, MONTHS = 240, BAR = 160 };

struct page {
    FILE *f;
    const json_t *card;
    const char *name, *commands;
    size_t n_tables;
    bool no_memory;
};

/* ---- Values ---- */

static uint64_t count(const json_t *o, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(o, key));

    return n > 0 ? (uint64_t)n : 0;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static json_t *part(const json_t *card, const char *a, const char *b)
{
    return json_object_get(json_object_get(card, a), b);
}

static bool has_counts(json_t *counts)
{
    const char *key;
    json_t *n;

    json_object_foreach(counts, key, n)
    {
        if (json_integer_value(n) > 0)
            return true;
    }
    return false;
}

/* ---- Tables ---- */

static void start(struct page *p, const char *class, const char *caption, const char *of,
                  const char *head)
{
    p->n_tables++;
    cril_markup_put(p->f,
                    "<div class=\"wide-table\" tabindex=\"0\" role=\"region\" "
                    "aria-labelledby=\"table-%z\"><table class=\"texts card%s\"><caption "
                    "id=\"table-%z\"><b>Table %z.</b> ",
                    p->n_tables, class, p->n_tables, p->n_tables);
    if (of)
        cril_markup_put(p->f, "<bdi>%t</bdi>: ", of);
    cril_markup_put(p->f, "%s</caption>\n<thead><tr>%s</tr></thead>\n<tbody>\n", caption, head);
}

/* One of counts by name; narrow, so that its bars are seen on a narrow screen. */
static void start_counts(struct page *p, const char *caption, const char *head)
{
    start(p, " counts", caption, NULL, head);
}

static void start_table(struct page *p, const char *caption, const char *of, const char *head)
{
    start(p, "", caption, of, head);
}

static void end_table(struct page *p)
{
    fputs("</tbody></table></div>\n", p->f);
}

static void put_cell(struct page *p, uint64_t n)
{
    fputs("<td>", p->f);
    cril_write_count(p->f, n);
    fputs("</td>", p->f);
}

/* A bar of part, in front of one of whole, on a scale that ends at max. */
static void put_bar(struct page *p, uint64_t of, uint64_t whole, uint64_t max)
{
    const double unit = max ? BAR / (double)max : 0;

    cril_markup_put(p->f,
                    "<td class=\"bar\"><svg viewBox=\"0 0 %z 16\" preserveAspectRatio=\"none\" "
                    "aria-hidden=\"true\">",
                    (size_t)BAR);
    if (whole > of)
        cril_markup_put(p->f, "<path class=\"cb\" d=\"M0 2H%cV14H0z\"/>", unit * (double)whole);
    cril_markup_put(p->f, "<path class=\"c0\" d=\"M0 2H%cV14H0z\"/></svg></td>", unit * (double)of);
}

#define TH(name) "<th scope=\"col\">" name "</th>"
#define TH_TEXT(name) "<th scope=\"col\" class=\"t\">" name "</th>"

/* ---- Counts by name ---- */

struct row {
    const char *name;
    uint64_t n;
};

static int by_count(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* [*n], the largest first, owned: free. NULL: out of memory, which the page remembers. */
static struct row *rows_of(struct page *p, json_t *counts, size_t *n)
{
    struct row *rows = calloc(json_object_size(counts) + 1, sizeof(*rows));
    const char *key;
    json_t *value;

    *n = 0;
    p->no_memory |= !rows;
    json_object_foreach(counts, key, value)
    {
        if (rows && json_integer_value(value) > 0)
            rows[(*n)++] = (struct row){key, (uint64_t)json_integer_value(value)};
    }
    if (rows && *n)
        qsort(rows, *n, sizeof(*rows), by_count);
    return rows;
}

static void put_share(struct page *p, const char *name, uint64_t n, uint64_t max, uint64_t of)
{
    cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", name);
    put_cell(p, n);
    cril_markup_put(p->f, "<td>%1&nbsp;%%</td>", of ? 100 * (double)n / (double)of : 0);
    put_bar(p, n, n, max);
    fputs("</tr>\n", p->f);
}

/* A tally of the corpus; nothing where no document has one. */
static void write_tally(struct page *p, const char *key, const char *caption, const char *name,
                        const char *without)
{
    json_t *tally = part(p->card, "corpus", key);
    const uint64_t of = count(json_object_get(p->card, "corpus"), "documents"),
                   unknown = count(tally, "without");
    uint64_t others = count(tally, "others"), max;
    char head[256];
    size_t n;
    struct row *rows = rows_of(p, json_object_get(tally, "counts"), &n);

    if (n) {
        for (size_t i = ROWS; i < n; i++)
            others += rows[i].n;
        max = rows[0].n > others ? rows[0].n : others;
        max = max > unknown ? max : unknown;
        snprintf(head, sizeof(head),
                 "<th scope=\"col\" class=\"t\">%s</th>" TH("documents") TH("share") TH(""), name);
        start_counts(p, caption, head);
        for (size_t i = 0; i < n && i < ROWS; i++)
            put_share(p, rows[i].name, rows[i].n, max, of);
        if (others)
            put_share(p, "others", others, max, of);
        if (unknown)
            put_share(p, without, unknown, max, of);
        end_table(p);
    }
    free(rows);
}

/* ---- Histograms ---- */

static void write_figure(struct page *p, const struct cril_columns *c, const char *caption)
{
    fputs("<figure>\n", p->f);
    cril_columns_draw(p->f, c);
    cril_markup_put(p->f, "<figcaption>%s</figcaption></figure>\n", caption);
}

static uint64_t size_from(const void *user, size_t i)
{
    return (uint64_t)1 << (*(const size_t *)user + i);
}

static void label_size(const void *user, size_t i, char out[CRIL_COLUMNS_TEXT])
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
    uint64_t n = size_from(user, i);
    size_t unit = 0;

    for (; n >= 1024; n /= 1024)
        unit++;
    snprintf(out, CRIL_COLUMNS_TEXT, "%llu%s", (unsigned long long)n, units[unit]);
}

static void say_size(const void *user, size_t i, char out[CRIL_COLUMNS_TEXT])
{
    const uint64_t n = size_from(user, i);

    snprintf(out, CRIL_COLUMNS_TEXT, "%llu to %llu characters", (unsigned long long)n,
             (unsigned long long)(2 * n - 1));
}

static void write_sizes(struct page *p)
{
    json_t *list = part(p->card, "corpus", "sizes");
    uint64_t counts[63];
    size_t n = json_array_size(list), first = 0;

    if (n > sizeof(counts) / sizeof(*counts))
        n = sizeof(counts) / sizeof(*counts);
    for (size_t i = 0; i < n; i++) {
        const json_int_t v = json_integer_value(json_array_get(list, i));

        counts[i] = v > 0 ? (uint64_t)v : 0;
    }
    while (first < n && !counts[first])
        first++;
    if (first == n)
        return;
    write_figure(p,
                 &(struct cril_columns){.counts = counts + first,
                                        .n = n - first,
                                        .x = "characters of a document",
                                        .y = "documents",
                                        .label = label_size,
                                        .say = say_size,
                                        .user = &first},
                 "<b>Documents by size.</b> A column has those from its number of characters to "
                 "less than twice as many; 1 k is 1,024.");
}

/* Months from the year 0 on; -1: the text is none. */
static int month_of(const char *text)
{
    static const char form[] = "0000-00";
    int v[2] = {0};

    for (size_t i = 0; i < sizeof(form); i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return -1;
        if (form[i] == '0')
            v[i > 4] = 10 * v[i > 4] + text[i] - '0';
    }
    return v[1] >= 1 && v[1] <= 12 ? 12 * v[0] + v[1] - 1 : -1;
}

struct months {
    int first, last, per; /* months of a column: 1, or 12 where there would be too many */
};

static void label_month(const void *user, size_t i, char out[CRIL_COLUMNS_TEXT])
{
    const struct months *m = user;
    const int month = m->first + (int)i * m->per;

    snprintf(out, CRIL_COLUMNS_TEXT, m->per == 1 ? "%04d-%02d" : "%04d", month / 12,
             month % 12 + 1);
}

static struct months find_months(const struct row *rows, size_t n)
{
    struct months m = {.first = -1, .per = 1};

    for (size_t i = 0; i < n; i++) {
        const int month = month_of(rows[i].name);

        if (month < 0)
            continue;
        m.first = m.first < 0 || month < m.first ? month : m.first;
        m.last = month > m.last ? month : m.last;
    }
    if (m.first >= 0 && m.last - m.first >= MONTHS) {
        m.per = 12;
        m.first -= m.first % 12;
    }
    return m;
}

static void write_months(struct page *p)
{
    json_t *tally = part(p->card, "corpus", "months");
    size_t n, n_columns;
    struct row *rows = rows_of(p, json_object_get(tally, "counts"), &n);
    const struct months m = rows ? find_months(rows, n) : (struct months){.first = -1};
    uint64_t *counts;

    if (m.first < 0) {
        free(rows);
        return;
    }
    n_columns = (size_t)((m.last - m.first) / m.per + 1);
    if ((counts = calloc(n_columns, sizeof(*counts))) != NULL) {
        for (size_t i = 0; i < n; i++) {
            const int month = month_of(rows[i].name);

            if (month >= 0)
                counts[(month - m.first) / m.per] += rows[i].n;
        }
        write_figure(p,
                     &(struct cril_columns){.counts = counts,
                                            .n = n_columns,
                                            .x = m.per == 1 ? "month" : "year",
                                            .y = "documents",
                                            .label = label_month,
                                            .say = label_month,
                                            .user = &m},
                     m.per == 1 ? "<b>Documents by month.</b> What a date means stands below."
                                : "<b>Documents by year.</b> What a date means stands below.");
    }
    p->no_memory |= !counts;
    free(counts);
    free(rows);
}

static json_t *buckets_of(const json_t *card)
{
    json_t *steps = json_object_get(card, "steps"), *step;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        if (json_object_get(step, "buckets"))
            return json_object_get(step, "buckets");
    }
    return NULL;
}

static void write_buckets(struct page *p)
{
    json_t *bucket;
    size_t i;

    if (!json_array_size(buckets_of(p->card)))
        return;
    start_table(p, "Quality: all documents of the input in three buckets by a model’s bits", NULL,
                TH_TEXT("bucket") TH("documents") TH("characters") TH("bits per character"));
    json_array_foreach(buckets_of(p->card), i, bucket)
    {
        cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", text(bucket, "name"));
        put_cell(p, count(bucket, "documents"));
        put_cell(p, count(bucket, "characters"));
        cril_markup_put(p->f, "<td>%3 to %3</td></tr>\n",
                        json_number_value(json_object_get(bucket, "lowest")),
                        json_number_value(json_object_get(bucket, "highest")));
    }
    end_table(p);
}

static void write_content(struct page *p)
{
    fputs("<section id=\"content\"><h2>What is in it</h2>\n", p->f);
    write_sizes(p);
    write_months(p);
    write_tally(p, "languages", "Documents by language, the first that is named", "language",
                "not known");
    write_tally(p, "licences", "Documents by licence", "licence", "not known");
    write_tally(p, "sources", "Documents by the file that they are from", "file", "not known");
    write_buckets(p);
    fputs("</section>\n", p->f);
}

/* ---- Parts that cards of inputs have, too ---- */

static bool have(json_t *inputs, const char *key)
{
    json_t *input;
    size_t i;

    json_array_foreach(inputs, i, input)
    {
        if (json_object_get(input, key))
            return true;
    }
    return false;
}

static void write_file(struct page *p, const json_t *input, bool documents, bool taken)
{
    const char *hash = text(input, "sha256");

    cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", text(input, "name"));
    put_cell(p, count(input, "bytes"));
    if (documents)
        put_cell(p, count(input, "documents"));
    if (taken) {
        put_cell(p, count(input, "taken_documents"));
        put_cell(p, count(input, "characters"));
        put_cell(p, count(input, "taken_characters"));
    }
    cril_markup_put(p->f, "<td class=\"hash\">%t</td></tr>\n", *hash ? hash : "not known");
}

static void write_files(struct page *p, json_t *list, const char *caption, const char *of)
{
    const bool documents = have(list, "documents"), taken = have(list, "taken_documents");
    json_t *input;
    size_t i;

    if (!json_array_size(list))
        return;
    start_table(p, caption, of,
                taken ? TH_TEXT("file") TH("bytes") TH("documents") TH("taken") TH("characters")
                            TH("taken") TH_TEXT("SHA-256")
                : documents ? TH_TEXT("file") TH("bytes") TH("documents") TH_TEXT("SHA-256")
                            : TH_TEXT("file") TH("bytes") TH_TEXT("SHA-256"));
    json_array_foreach(list, i, input) write_file(p, input, documents, taken);
    end_table(p);
}

/* Benchmark items that a mix looked for. */
static void write_items(struct page *p, json_t *list, const char *of)
{
    json_t *task;
    size_t i;

    if (!json_array_size(list))
        return;
    start_table(p, "Benchmark items that were looked for", of,
                TH_TEXT("task") TH("items") TH("testable") TH("found")
                    TH_TEXT("SHA-256 of its data"));
    json_array_foreach(list, i, task)
    {
        cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", text(task, "task"));
        put_cell(p, count(task, "items"));
        put_cell(p, count(task, "testable"));
        put_cell(p, count(task, "contained"));
        cril_markup_put(p->f, "<td class=\"hash\">%t</td></tr>\n", text(task, "sha256"));
    }
    end_table(p);
}

static void write_counts(struct page *p, json_t *counts, const char *caption, const char *of)
{
    size_t n;
    struct row *rows = rows_of(p, counts, &n);

    if (n) {
        start_table(p, caption, of, TH_TEXT("reason") TH("documents") TH(""));
        for (size_t i = 0; i < n; i++) {
            cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", rows[i].name);
            put_cell(p, rows[i].n);
            put_bar(p, rows[i].n, rows[i].n, rows[0].n);
            fputs("</tr>\n", p->f);
        }
        end_table(p);
    }
    free(rows);
}

static void put_value(struct page *p, const json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_STRING: cril_markup_put(p->f, "<bdi>%t</bdi>", json_string_value(value)); break;
    case JSON_INTEGER:
        if (json_integer_value(value) >= 0)
            cril_write_count(p->f, (uint64_t)json_integer_value(value));
        break;
    case JSON_ARRAY:
        json_array_foreach((json_t *)value, i, inner)
        {
            if (json_is_string(inner))
                cril_markup_put(p->f, "%s<bdi>%t</bdi>", i ? ", " : "", json_string_value(inner));
        }
        break;
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, key, inner)
        {
            if (json_is_string(inner))
                cril_markup_put(p->f, "<bdi>%t: %t</bdi><br>", key, json_string_value(inner));
        }
        break;
    default: fputs("none", p->f);
    }
}

/* All rules but the steps, whose table follows. */
static void write_rules(struct page *p, json_t *rules, const char *of)
{
    const char *key;
    json_t *value;

    if (!json_object_size(rules))
        return;
    start_table(p, "Rules, by their names in the card", of, TH_TEXT("rule") TH_TEXT("value"));
    json_object_foreach(rules, key, value)
    {
        if (strcmp(key, "steps") == 0)
            continue;
        cril_markup_put(p->f, "<tr><th scope=\"row\">%t</th><td class=\"t\">", key);
        put_value(p, value);
        fputs("</td></tr>\n", p->f);
    }
    end_table(p);
}

static void write_step(struct page *p, json_t *step, uint64_t max)
{
    cril_markup_put(p->f, "<tr><th scope=\"row\"><bdi>%t</bdi></th>", text(step, "name"));
    put_cell(p, count(step, "in"));
    put_cell(p, count(step, "out"));
    put_bar(p, count(step, "out"), count(step, "in"), max);
    put_cell(p, count(step, "changed"));
    cril_markup_put(p->f, "<td class=\"t what\">%t</td></tr>\n", text(step, "what"));
}

static uint64_t most_in(json_t *steps)
{
    uint64_t max = 0;
    json_t *step;
    size_t i;

    json_array_foreach(steps, i, step) max = count(step, "in") > max ? count(step, "in") : max;
    return max;
}

static uint64_t most_for_a_reason(json_t *steps)
{
    uint64_t max = 0;
    json_t *step, *n;
    const char *key;
    size_t i;

    json_array_foreach(steps, i, step)
    {
        json_object_foreach(json_object_get(step, "reasons"), key, n)
        {
            if (json_integer_value(n) > 0 && (uint64_t)json_integer_value(n) > max)
                max = (uint64_t)json_integer_value(n);
        }
    }
    return max;
}

static void write_reasons(struct page *p, json_t *steps, const char *of)
{
    const uint64_t max = most_for_a_reason(steps);
    json_t *step, *n;
    const char *key;
    size_t i;

    if (!max)
        return;
    start_table(p, "Why: what steps dropped or changed, by their reasons", of,
                TH_TEXT("step") TH_TEXT("reason") TH("times") TH(""));
    json_array_foreach(steps, i, step)
    {
        bool first = true;

        if (!has_counts(json_object_get(step, "reasons")))
            continue;
        json_object_foreach(json_object_get(step, "reasons"), key, n)
        {
            if (json_integer_value(n) <= 0)
                continue;
            cril_markup_put(p->f,
                            "<tr><th scope=\"row\"><bdi>%t</bdi></th><td class=\"t\"><bdi>%t</bdi>"
                            "</td>",
                            first ? text(step, "name") : "", key);
            put_cell(p, (uint64_t)json_integer_value(n));
            put_bar(p, (uint64_t)json_integer_value(n), (uint64_t)json_integer_value(n), max);
            fputs("</tr>\n", p->f);
            first = false;
        }
    }
    end_table(p);
}

static void write_steps(struct page *p, json_t *steps, const char *of)
{
    const uint64_t max = most_in(steps);
    json_t *step;
    size_t i;

    if (!json_array_size(steps))
        return;
    start_table(p, "Steps in their order: documents in and out, those whose text changed", of,
                TH_TEXT("step") TH("in") TH("out") TH("") TH("changed") TH_TEXT("what it does"));
    json_array_foreach(steps, i, step) write_step(p, step, max);
    end_table(p);
    write_reasons(p, steps, of);
}

/* ---- Sections ---- */

static void put_sum(struct page *p, const char *name, uint64_t n, const char *sub)
{
    cril_markup_put(p->f, "<div><dt>%s</dt><dd>", name);
    cril_write_count(p->f, n);
    cril_markup_put(p->f, "</dd>%s</div>\n", sub);
}

static void write_head(struct page *p)
{
    const json_t *corpus = json_object_get(p->card, "corpus");
    const size_t n = json_array_size(part(p->card, "source", "inputs"));
    const json_t *shard = json_object_get(p->card, "shard");

    cril_style_start(p->f, p->name, "a corpus");
    cril_markup_put(p->f,
                    "<main>\n<p class=\"kicker\">the card of a corpus</p>\n<h1><bdi>%t</bdi></h1>\n"
                    "<p class=\"lead\"><b>",
                    p->name);
    cril_write_count(p->f, count(corpus, "documents"));
    cril_markup_put(p->f, " document%s</b> with ", count(corpus, "documents") == 1 ? "" : "s");
    cril_write_count(p->f, count(corpus, "characters"));
    cril_markup_put(p->f, " characters, made from %z input%s by <code>cril corpus %t</code>", n,
                    n == 1 ? "" : "s", text(json_object_get(p->card, "rules"), "kind"));
    if (shard)
        cril_markup_put(p->f, ", shard %z of %z", (size_t)count(shard, "shard"),
                        (size_t)count(shard, "of"));
    fputs(".</p>\n<dl class=\"figures\">\n", p->f);
    put_sum(p, "documents", count(corpus, "documents"), "");
    put_sum(p, "characters", count(corpus, "characters"), "");
    put_sum(p, "bytes of text", count(corpus, "bytes"), "");
    put_sum(p, "bytes of the file", count(corpus, "stored_bytes"),
            strcmp(text(corpus, "compression"), "zstd") == 0
                ? "<dd class=\"sub\">compressed by zstd</dd>"
                : "");
    cril_markup_put(p->f,
                    "</dl>\n<p class=\"note\">SHA-256 of the file, which results of <code>cril "
                    "score</code> quote: <span class=\"hash\">%t</span></p>\n<p class=\"note\">"
                    "SHA-256 of its lines before compression: <span class=\"hash\">%t</span></p>\n",
                    text(corpus, "sha256"), text(corpus, "lines_sha256"));
    fputs("<nav><a href=\"#content\">What is in it</a><a href=\"#source\">Where it is from</a>"
          "<a href=\"#rules\">By which rules</a><a href=\"#again\">How to make it again</a>",
          p->f);
    if (have(part(p->card, "source", "inputs"), "card"))
        fputs("<a href=\"#inputs\">Cards of the inputs</a>", p->f);
    fputs("</nav>\n", p->f);
}

static void write_source(struct page *p)
{
    json_t *source = json_object_get(p->card, "source");

    fputs("<section id=\"source\"><h2>Where it is from</h2>\n", p->f);
    if (*text(source, "dates"))
        cril_markup_put(p->f, "<p>What a date means: %t.</p>\n", text(source, "dates"));
    write_files(p, json_object_get(source, "inputs"), "Inputs", NULL);
    write_files(p, json_object_get(source, "created"), "Histories, which date pages", NULL);
    write_items(p, json_object_get(source, "items"), NULL);
    write_counts(p, json_object_get(source, "left_out"), "What was not read", NULL);
    write_counts(p, json_object_get(p->card, "selection"), "What was not selected", NULL);
    fputs("</section>\n", p->f);
}

static void write_again(struct page *p)
{
    fputs("<section id=\"again\"><h2>How to make it again</h2>\n", p->f);
    if (*p->commands)
        fputs("<pre tabindex=\"0\">", p->f);
    for (const char *at = p->commands; *at;) {
        const size_t n = strcspn(at, "\n");

        cril_markup_text(p->f, at, n);
        putc('\n', p->f);
        at += n + (at[n] != '\0');
    }
    fputs(*p->commands
              ? "</pre>\n<p>The files are those with the hashes above. The same versions of cril "
                "and zstd make the same bytes; any version of zstd makes the same lines.</p>\n"
              : "<p>This is a shard: <code>cril corpus merge</code> puts it together with the "
                "others, and the card of the whole says how that is made.</p>\n",
          p->f);
    cril_markup_put(p->f, "<p class=\"note\">cril %t, zstd %t.</p>\n</section>\n",
                    text(p->card, "cril"), text(p->card, "zstd"));
}

/* The cards of inputs, and of theirs. */
static void write_inner(struct page *p, const json_t *card)
{
    json_t *inputs = part(card, "source", "inputs"), *input;
    size_t i;

    json_array_foreach(inputs, i, input)
    {
        const json_t *own = json_object_get(input, "card");
        const char *name = text(input, "name");

        if (!json_is_object(own))
            continue;
        write_inner(p, own);
        cril_markup_put(p->f, "<h3><bdi>%t</bdi></h3>\n<p>", name);
        cril_write_count(p->f, count(json_object_get(own, "corpus"), "documents"));
        cril_markup_put(p->f,
                        " documents, made by <code>cril corpus %t</code> of cril %t. What a date "
                        "means: %t.</p>\n",
                        text(json_object_get(own, "rules"), "kind"), text(own, "cril"),
                        text(json_object_get(own, "source"), "dates"));
        write_files(p, part(own, "source", "inputs"), "Inputs", name);
        write_files(p, part(own, "source", "created"), "Histories", name);
        write_items(p, part(own, "source", "items"), name);
        write_counts(p, part(own, "source", "left_out"), "What was not read", name);
        write_counts(p, json_object_get(own, "selection"), "What was not selected", name);
        write_rules(p, json_object_get(own, "rules"), name);
        write_steps(p, json_object_get(own, "steps"), name);
    }
}

static void write_page(struct page *p)
{
    write_head(p);
    write_content(p);
    write_source(p);
    fputs("<section id=\"rules\"><h2>By which rules</h2>\n", p->f);
    write_rules(p, json_object_get(p->card, "rules"), NULL);
    write_steps(p, json_object_get(p->card, "steps"), NULL);
    fputs("</section>\n", p->f);
    write_again(p);
    if (have(part(p->card, "source", "inputs"), "card")) {
        fputs("<section id=\"inputs\"><h2>Cards of the inputs</h2>\n", p->f);
        write_inner(p, p->card);
        fputs("</section>\n", p->f);
    }
    fputs("</main>\n</body>\n</html>\n", p->f);
}

cril_status cril_card_page(FILE *f, const char *card, const char *name, cril_error *err)
{
    struct page p = {.f = f, .name = name};
    char *commands = NULL;
    json_t *root;
    cril_status st;

    if (CRIL_LACKS(err, f, card, name))
        return CRIL_ERR_RANGE;
    if ((st = cril_card_parse(name, card, &root, err)) != CRIL_OK)
        return st;
    if ((st = cril_card_commands(card, name, &commands, err)) == CRIL_OK) {
        p.card = root;
        p.commands = commands;
        errno = 0;
        write_page(&p);
        if (p.no_memory)
            st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for its card", name);
        else if (fflush(f) || ferror(f))
            st = cril_fail(err, CRIL_ERR_IO, "the page could not be written: %s",
                           strerror(errno ? errno : EIO));
    }
    free(commands);
    json_decref(root);
    return st;
}

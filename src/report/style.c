/*
 * The page's frame: head, style sheet, the symbols that families have, foot.
 *
 * Colours are variables, once for a light page (also all paper) and once for a dark screen. Text
 * has a contrast of 4.5:1 or more with what it stands on, marks 3:1 (WCAG 2.2), grid lines and
 * rules excepted; tests/test_html.c computes it. The seven colours of families are distinct for
 * colour-blind readers, too (two of them 14 or more in CIELAB, seen through Machado, Oliveira &
 * Fernandes 2009), and shapes tell them apart as well.
 */
#include "report/page.h"

#include "report/markup.h"

static const char *const sheet[] = {
    ":root{--bg:#fff;--ink:#1b1d20;--soft:#565b63;--rule:#d8d8d3;--axis:#74777d;--grid:#ececea;--"
    "link:#0b559f;",
    "--new:#f6f6f3;--mean:#e8ebee;--off:#fdf3d7;",
    "--c0:#08519c;--c1:#a8200d;--c2:#00805f;--c3:#b0438a;--c4:#978300;--c5:#3389c0;--c6:#3b3f45;",
    "--sans:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation "
    "Sans',sans-serif;",
    "--serif:Charter,'Bitstream Charter','Iowan Old Style','Source Serif 4','Noto "
    "Serif',Georgia,'Liberation Serif',serif;",
    "color-scheme:light}\n",
    "@media screen and "
    "(prefers-color-scheme:dark){:root{--bg:#14171b;--ink:#e8e9eb;--soft:#a9afb8;--rule:#363b42;--"
    "axis:#767d87;",
    "--grid:#252a30;--link:#8cbcf3;--new:#1b2026;--mean:#2d343d;--off:#3a3216;",
    "--c0:#5b9fe6;--c1:#ff8f4d;--c2:#2fb98c;--c3:#ee9bd0;--c4:#f2dc6b;--c5:#62dcf2;--c6:#e4e6ea;"
    "color-scheme:dark}}\n",
    "*{box-sizing:border-box}\n",
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n",
    "body{margin:0;background:var(--bg);color:var(--ink);font:17px/1.55 "
    "var(--serif);overflow-wrap:break-word}\n",
    "main{max-width:1120px;margin:0 auto;padding:2.5rem 1.25rem 4rem}\n",
    "h1{font-size:2.1rem;line-height:1.2;margin:.2rem 0 "
    "1rem;font-weight:600;text-wrap:balance;overflow-wrap:anywhere}\n",
    "h2{font-size:1.4rem;line-height:1.25;margin:3.2rem 0 .8rem;font-weight:600}\n",
    "h3{font-size:1rem;margin:1.6rem 0 .4rem;font-weight:600}\n",
    "p,ul.refs,.prose{max-width:44rem}p{margin:.6rem 0}\n",
    "a{color:var(--link);text-underline-offset:.15em}\n",
    ".kicker,.date{font:600 .8rem/1.4 "
    "var(--sans);color:var(--soft);margin:0}.date{font-weight:400}\n",
    ".lead{font-size:1.2rem;line-height:1.5;max-width:48rem}\n",
    "nav{font:.85rem/1.8 var(--sans);margin:1rem 0 0}nav "
    "a{margin-right:1.1rem;white-space:nowrap}\n",
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:0 "
    "1.5rem;margin:1.6rem 0 1rem;padding:0;",
    "border-top:1.5px solid var(--ink);border-bottom:1px solid var(--rule)}\n",
    ".figures div{padding:.7rem 0 .8rem}.figures dt{font:.8rem/1.3 "
    "var(--sans);color:var(--soft)}\n",
    ".figures dd{margin:0;font-size:1.75rem;line-height:1.25;font-variant-numeric:tabular-nums "
    "lining-nums}\n",
    ".figures dd.sub{font:.8rem/1.35 var(--sans);color:var(--soft)}\n",
    "figure{margin:1.4rem 0}figcaption,caption,.note{font:.85rem/1.45 "
    "var(--sans);color:var(--soft)}\n",
    ".tail{display:inline-block}figcaption b,caption "
    "b{color:var(--ink)}figcaption{max-width:52rem;margin-top:.4rem}\n",
    ".plot{display:block;width:100%;height:auto;overflow:visible;font:13px/1 "
    "var(--sans);font-variant-numeric:tabular-nums}\n",
    ".narrow{display:none}.plot.narrow{font-size:11px}.plot.small{font-size:10.5px}\n",
    ".plot text{fill:var(--ink)}.ax text{fill:var(--soft)}.ax "
    "path{stroke:var(--grid);fill:none}.at{font-weight:600}\n",
    ".fr{stroke:var(--axis);fill:none}.ln{stroke:var(--ink);stroke-width:1.6;fill:none}.small "
    ".ln{stroke-width:1.2}\n",
    ".pb{fill:var(--new)}.cb{fill:var(--mean)}.pb-e,.cb-e{fill:none;stroke:var(--axis);"
    "stroke-width:.75}.pb-e{stroke-width:1;stroke-dasharray:4 4}\n",
    ".eb{stroke:var(--soft);stroke-width:1.2;fill:none}.rb{stroke:var(--axis);stroke-width:2;fill:"
    "none}\n",
    ".ld{stroke:var(--axis);stroke-width:.8;fill:none}.fl{stroke:var(--ink);stroke-width:1.5;fill:"
    "none}\n",
    ".plot .lb{fill:var(--ink);stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}\n",
    ".no{visibility:hidden}.pt:hover .no,.pt:focus .no{visibility:visible}.pt:hover .lb,.pt:focus "
    ".lb{font-weight:700}\n",
    ".pt:focus{outline:none}.hit{fill:transparent}.pt:focus .hit,.pt:hover "
    ".hit{stroke:var(--ink);stroke-width:1.5}\n",
    ".bl{stroke:var(--ink);stroke-width:1.4;fill:none}.plot "
    ".bn{fill:var(--ink);stroke:var(--bg);stroke-width:3px}\n",
    "use{stroke:var(--bg);stroke-width:.9}\n",
    ".c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)"
    "}.c5{fill:var(--c5)}.c6{fill:var(--c6)}\n",
    ".key{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:.5rem 0 "
    ".6rem;padding:0;font:.85rem/1.5 var(--sans)}\n",
    ".key svg{width:16px;height:16px;vertical-align:-3px}.key "
    "li{max-width:100%;overflow-wrap:anywhere}\n",
    ".panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(195px,1fr));gap:1.4rem "
    "1.2rem}\n",
    ".panel{margin:0;min-width:0;break-inside:avoid}.panel h3{font:600 .92rem/1.3 "
    "var(--sans);margin:0 0 .3rem;overflow-wrap:anywhere}\n",
    ".panel figcaption span{white-space:nowrap;margin-right:.7em}.panel "
    "figcaption{font-size:.8rem;line-height:1.4;margin-top:.2rem;overflow-wrap:anywhere}\n",
    ".wide-table{overflow-x:auto;margin:1.4rem 0}.wide-table:focus{outline:2px solid "
    "var(--link);outline-offset:3px}\n",
    "table{border-collapse:collapse;font:.85rem/1.35 "
    "var(--sans);font-variant-numeric:tabular-nums;width:100%}",
    "tbody tr:last-child>*{border-bottom:1.5px solid var(--ink)}\n",
    "caption{text-align:left;padding:0 0 .6rem;max-width:min(52rem,calc(100vw - "
    "2.2rem));position:sticky;left:0}\n",
    "th,td{text-align:right;padding:.28rem "
    ".55rem;vertical-align:baseline;font-weight:400;white-space:nowrap}\n",
    "thead th{border-bottom:1px solid "
    "var(--ink);vertical-align:bottom;white-space:normal;color:var(--soft);line-height:1.25;min-"
    "width:4.2rem}\n",
    "thead tr:first-child th{border-top:1.5px solid var(--ink)}thead "
    "th[colspan]{text-align:center;border-bottom-color:var(--rule)}\n",
    "tbody tr+tr>*{border-top:1px solid "
    "var(--rule)}th.t,td.t,th[scope=row]{text-align:left}th.n,td.n{width:2.4rem;min-width:0;color:"
    "var(--soft)}"
    "\n",
    "th[scope=row]{font-weight:600;white-space:normal;overflow-wrap:anywhere;min-width:10.5rem;max-"
    "width:18rem;background:var(--bg)}\n",
    "td.t{white-space:normal;overflow-wrap:anywhere;min-width:7rem}.residuals-2{width:auto}."
    "residuals-2 caption{max-width:44rem}td b{font-weight:650}\n",
    ".bar{text-align:left;min-width:110px}.bar "
    "svg{height:16px;display:inline-block;vertical-align:-3px;overflow:visible}\n",
    ".bar "
    "span{margin-left:.6rem;color:var(--soft)}.off>*{background:var(--off)}em{font-style:normal;"
    "font-weight:400}\n",
    "sup a{text-decoration:none}sup{font-size:.72em;line-height:0;margin-left:.1em}td "
    "sup{display:inline-block;min-width:1.1em;text-align:left}td "
    "sup.m{min-width:2.9em}ol.note{padding-left:1.4rem;margin:.3rem 0}ol.note "
    "li{overflow-wrap:anywhere}\n",
    "pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans "
    "Mono',monospace}\n",
    "pre{font-size:.82rem;line-height:1.6;overflow-x:auto;padding:.8rem 1rem;border:1px solid "
    "var(--rule)}\n",
    ".hash{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans "
    "Mono',monospace;font-size:.78rem;white-space:normal;",
    "word-break:break-all;text-align:left;min-width:10.5rem}td.k{min-width:0}\n",
    ".refs{padding-left:1.2rem;font-size:.95rem}.words dt{font-weight:600;margin-top:.5rem}.words "
    "dd{margin:0 0 0 1.2rem}\n",
    "@media screen and (max-width:700px){body{font-size:16px}main{padding:1.5rem 1rem "
    "3rem}h1{font-size:1.6rem}.lead{font-size:1.08rem}",
    ".wide{display:none}.narrow{display:block}.figures{grid-template-columns:1fr 1fr}.figures "
    "dd{font-size:1.5rem}",
    ".panels{grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1.2rem "
    ".8rem}th[scope=row]{min-width:9.9rem;max-width:11rem}",
    "table{border-collapse:separate;border-spacing:0}tbody "
    "tr:last-child>*{border-bottom-width:2px}.bar{min-width:0}.bar svg{height:13px}"
    "th[scope=row],th.t{position:sticky;left:0}thead th.t{background:var(--bg)}thead "
    "th[colspan]{text-align:left}}\n",
    "@page{margin:15mm 14mm}\n",
    "@media "
    "print{body{font-size:10.5pt;line-height:1.4}main{max-width:none;padding:0}nav{display:none}h1{"
    "font-size:19pt}h2{margin-top:7mm}",
    "h2,h3,dt,caption,#residuals "
    "p{break-after:avoid}figure,.figures,tr,li,pre,dd{break-inside:avoid}thead{display:table-"
    "header-group}.wide-table:not(:has(tr:nth-child(36))){break-inside:avoid}tbody "
    "tr:nth-child(-n+6){break-after:avoid}tbody tr:nth-last-child(-n+3){break-before:avoid}",
    ".lead{font-size:12pt}.wide-table{overflow:visible}caption{position:static}table{font-size:7."
    "4pt}th,td{padding:.7mm 1.1mm}",
    "thead "
    "th{min-width:0}td.t{min-width:17mm}td.k{min-width:0}th[scope=row]{min-width:27mm}.bar{min-"
    "width:17mm}.bar svg{height:2.6mm}.bar span{margin-left:1mm}",
    "figcaption,caption,.note,.key{font-size:8.2pt}.figures dd{font-size:15pt}.figures "
    "dd.sub,.figures dt{font-size:7.8pt}",
    "#panels:has(.panel:nth-child(5)){break-before:page}"
    ".panels{grid-template-columns:repeat(4,1fr);"
    "gap:4mm 4mm}.panel h3{font-size:8.5pt}.panel "
    "figcaption{font-size:7pt}.hash{font-size:6.8pt}",
    "pre{white-space:pre-wrap;font-size:8pt}a{color:inherit}a[href^=http]::after{content:' (' "
    "attr(href) ')';overflow-wrap:anywhere}}\n",
};

static const char *const shapes[CRIL_PAGE_SHAPES] = {
    "M-4.9 0a4.9 4.9 0 1 0 9.8 0a4.9 4.9 0 1 0-9.8 0z",
    "M-4.4-4.4h8.8v8.8h-8.8z",
    "M0-5.9 5.6 4H-5.6z",
    "M0-6 6 0 0 6-6 0z",
    "M0 5.9 5.6-4H-5.6z",
    "M-1.9-5.6h3.8v3.7h3.7v3.8h-3.7v3.7h-3.8v-3.7h-3.7v-3.8h3.7z",
    "M-5.2-2.6-2.6-5.2 0-2.6 2.6-5.2 5.2-2.6 2.6 0 5.2 2.6 2.6 5.2 0 2.6-2.6 5.2-5.2 2.6-2.6 0z",
    "M0-6.2 1.6-2.2 5.9-1.9 2.6.8 3.6 5 0 2.7-3.6 5-2.6.8-5.9-1.9-1.6-2.2z",
};

/* Each shape in two sizes: s0 .. for figures, m0 .. for small ones. */
static void write_symbols(const struct cril_page *p)
{
    fputs("<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\" "
          "focusable=\"false\"><defs>\n",
          p->f);
    for (size_t i = 0; i < CRIL_PAGE_SHAPES; i++)
        cril_markup_put(
            p->f,
            "<path id=\"s%z\" d=\"%s\"/><path id=\"m%z\" transform=\"scale(.68)\" d=\"%s\"/>\n", i,
            shapes[i], i, shapes[i]);
    fputs("</defs></svg>\n", p->f);
}

void cril_page_head(const struct cril_page *p)
{
    cril_markup_put(p->f,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"generator\" content=\"cril " CRIL_VERSION
                    "\">\n<title>%t: a cril report</title>\n<style>\n",
                    p->info->title);
    for (size_t i = 0; i < sizeof(sheet) / sizeof(sheet[0]); i++)
        fputs(sheet[i], p->f);
    fputs("</style>\n</head>\n<body>\n", p->f);
    write_symbols(p);
    fputs("<main>\n", p->f);
}

void cril_page_foot(const struct cril_page *p)
{
    fputs("</main>\n</body>\n</html>\n", p->f);
}

/*
 * The page's frame: head, style sheet, the symbols that families have, foot. Colours are variables
 * of palette.h, once for a light page (also all paper) and once for a dark screen.
 */
#include "report/style.h"

#include "report/markup.h"
#include "report/page.h"
#include "report/palette.h"
#include "report/plot.h"

static const char *const sheet[] = {
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
    ".plot{display:block;width:100%;height:auto;overflow:visible;font-family:var(--sans);"
    "font-size:13px;line-height:1;font-variant-numeric:tabular-nums}\n",
    ".narrow{display:none}\n",
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
    "td.t{white-space:normal;overflow-wrap:anywhere;min-width:7rem}td.what{min-width:17rem}.counts "
    ".bar svg{width:10rem}."
    "residuals-2{width:auto}."
    "residuals-2 caption{max-width:44rem}td b{font-weight:650}\n",
    ".texts{width:auto}.bar{text-align:left;min-width:110px}.bar "
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
    "tr:last-child>*{border-bottom-width:2px}.bar{min-width:0}.bar svg{height:13px}.card "
    "th[scope=row]{min-width:9.9rem}.card.counts th[scope=row]{min-width:6rem}.card .bar "
    "svg{width:3.6rem}.card .hash{white-space:nowrap}.card td.t{min-width:10rem}.card "
    "td.what{min-width:28rem}"
    "th[scope=row],th.t{position:sticky;left:0}thead th.t{background:var(--bg)}thead "
    "th[colspan]{text-align:left}}\n",
    "@page{margin:15mm 14mm}\n",
    "@media "
    "print{.data{display:none}body{font-size:10.5pt;line-height:1.4}main{max-width:none;padding:0}"
    "nav{display:none}h1{"
    "font-size:19pt}h2{margin-top:7mm}",
    "h2,h3,dt,caption,#residuals "
    "p{break-after:avoid}figure,.figures,tr,li,pre,dd{break-inside:avoid}thead{display:table-"
    "header-group}.wide-table:not(:has(tr:nth-child(36))){break-inside:avoid}tbody "
    "tr:nth-child(-n+6):not(:last-child){break-after:avoid}tbody "
    "tr:nth-last-child(-n+3){break-before:avoid}",
    ".lead{font-size:12pt}.wide-table{overflow:visible}caption{position:static}table{font-size:7."
    "4pt}th,td{padding:.7mm 1.1mm}",
    "thead "
    "th{min-width:0}td.t{min-width:17mm}td.k{min-width:0}th[scope=row]{min-width:27mm}.bar{min-"
    "width:17mm}.bar svg{height:2.6mm}.card .bar svg{width:26mm}.bar span{margin-left:1mm}",
    "figcaption,caption,.note,.key{font-size:8.2pt}.figures dd{font-size:15pt}.figures "
    "dd.sub,.figures dt{font-size:7.8pt}",
    "#panels:has(.panel:nth-child(5)){break-before:page}"
    ".panels{grid-template-columns:repeat(4,1fr);"
    "gap:4mm 4mm}.panel h3{font-size:8.5pt}.panel "
    "figcaption{font-size:7pt}.hash{font-size:6.8pt}",
    "pre{white-space:pre-wrap;font-size:8pt}a{color:inherit}a[href^=http]::after{content:' (' "
    "attr(href) ')';overflow-wrap:anywhere}}\n",
};

static void write_style(FILE *f)
{
    cril_palette_write_root(f);
    cril_palette_write_rules(f);
    for (size_t i = 0; i < sizeof(sheet) / sizeof(sheet[0]); i++)
        fputs(sheet[i], f);
}

void cril_style_start(FILE *f, const char *title, const char *what)
{
    cril_markup_put(f,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"generator\" content=\"cril " CRIL_VERSION
                    "\">\n<title>%t: %s</title>\n<style>\n",
                    title, what);
    write_style(f);
    fputs("</style>\n</head>\n<body>\n", f);
}

void cril_page_head(const struct cril_page *p)
{
    cril_style_start(p->f, p->info->title, "a cril report");
    fputs("<svg width=\"0\" height=\"0\" style=\"position:absolute\" "
          "aria-hidden=\"true\" focusable=\"false\">",
          p->f);
    cril_plot_define_symbols(p->f);
    fputs("</svg>\n<main>\n", p->f);
}

void cril_page_foot(const struct cril_page *p)
{
    fputs("</main>\n</body>\n</html>\n", p->f);
}

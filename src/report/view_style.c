/*
 * Style and script of a view's page (view_style.h). What colours stand for is quantised: a token
 * has a class, and a page of 50,000 tokens stays small. Text has a contrast of 4.5:1 or more on
 * each of them (tests/test_view.c).
 */
#include "report/view_style.h"

#include "report/palette.h"

#include <math.h>

static const double levels[CRIL_VIEW_LEVELS] = {.5, 1, 2, 3, 4.5, 6.5, 9, 13},
                    differences[CRIL_VIEW_DIFFERENCES] = {.25, .5, 1, 2, 4};

double cril_view_level_from(size_t i)
{
    return levels[i - 1];
}

double cril_view_difference_from(size_t i)
{
    return differences[i - 1];
}

static size_t reached(const double *from, size_t n, double bits)
{
    size_t i = 0;

    while (i < n && bits >= from[i])
        i++;
    return i;
}

const char *cril_view_class(double shown, size_t n_models)
{
    static const char *const of_levels[] = {"", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"};
    static const char *const more[] = {"", "p1", "p2", "p3", "p4", "p5"};
    static const char *const fewer[] = {"", "m1", "m2", "m3", "m4", "m5"};

    if (n_models == 1)
        return of_levels[reached(levels, CRIL_VIEW_LEVELS, shown)];
    return (shown < 0 ? fewer : more)[reached(differences, CRIL_VIEW_DIFFERENCES, fabs(shown))];
}

static const struct {
    const char *name, *light, *dark;
} colours[] = {
    {"b1", "#fff3d6", "#27231b"}, {"b2", "#ffe5b0", "#352a1a"}, {"b3", "#ffd389", "#463119"},
    {"b4", "#ffbf6b", "#5a3717"}, {"b5", "#ffa657", "#703c16"}, {"b6", "#fb8c4e", "#863e17"},
    {"b7", "#f0704a", "#9c3d1a"}, {"b8", "#e15a45", "#b33a1e"}, {"p1", "#fdebd3", "#2c241a"},
    {"p2", "#fcd5a4", "#46301a"}, {"p3", "#fbb877", "#653a18"}, {"p4", "#f4935a", "#853e19"},
    {"p5", "#e9704c", "#a83c1d"}, {"m1", "#e2eefb", "#18232f"}, {"m2", "#c3dcf7", "#1a2f47"},
    {"m3", "#9cc4ef", "#1c3d63"}, {"m4", "#72a9e4", "#1e4c80"}, {"m5", "#4f90d8", "#205c9f"},
};

enum { N_COLOURS = sizeof(colours) / sizeof(colours[0]) };

static void write_colours(FILE *f, int dark)
{
    for (size_t i = 0; i < N_COLOURS; i++)
        fprintf(f, ".%s{background:%s}", colours[i].name,
                dark ? colours[i].dark : colours[i].light);
}

static const char *const sheet[] = {
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-"
    "padding:6rem 0}\n",
    "body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 "
    "var(--serif);overflow-wrap:break-word}\n",
    "main{max-width:1120px;margin:0 auto;padding:2rem 1.25rem 11rem}\n",
    "h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 "
    ".8rem;font-weight:600;overflow-wrap:anywhere}h2{font-size:1.3rem;margin:2.5rem 0 "
    ".6rem;font-weight:600}p{margin:.5rem 0;max-width:46rem}\n",
    ".kicker,.note,.key,dt,table,#d,#t b,.strip{font-family:var(--sans)}.kicker{font-weight:600;"
    "font-size:.8rem;color:var(--soft);margin:0}\n",
    ".script{display:none}.by-script "
    ".script{display:inline}.note{font-size:.85rem;color:var(--soft)}.lead{font-size:1.15rem}a{"
    "color:var(--link)}\n",
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:0 "
    "1.5rem;margin:1.2rem 0;border-top:1.5px solid var(--ink);border-bottom:1px solid "
    "var(--rule)}.figures div{padding:.5rem 0}dt{font-size:.8rem;color:var(--soft)}dd{margin:0;"
    "font-size:1.5rem;font-variant-numeric:tabular-nums lining-nums}\n",
    ".key{display:flex;flex-wrap:wrap;gap:.2rem;list-style:none;margin:.4rem "
    "0;padding:0;font-size:.8rem}.key li{padding:.1rem .5rem}\n",
    ".strip{position:sticky;top:0;background:var(--bg);border-bottom:1px solid "
    "var(--rule);padding:.4rem 0 0;z-index:1}.strip "
    "svg{display:block;width:100%;height:52px}.strip path{fill:var(--c1)}.strip "
    ".fewer{fill:var(--c0)}.strip .hit{fill:transparent}.strip a:hover "
    ".hit{fill:var(--mean)}#m{position:absolute;bottom:0;width:2px;height:54px;margin-left:-1px;"
    "background:var(--ink)}\n",
    "#t{font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans "
    "Mono',monospace;margin:1rem 0;tab-size:4}#t>div{display:grid;grid-template-columns:5.6rem "
    "minmax(0,1fr);column-gap:.8rem}#t "
    "p{margin:0;max-width:none;white-space:pre-wrap;overflow-wrap:anywhere}\n",
    "#t b{font-weight:400;font-size:.75rem;line-height:1.87;color:var(--soft);text-align:right;"
    "display:flex;justify-content:space-between;user-select:none;font-variant-numeric:tabular-"
    "nums}#t em{font-style:normal}\n",
    "#t i{font-style:normal;color:var(--ink);border-radius:2px;box-shadow:inset 1px 0 0 "
    "var(--bg)}#t .n::after{content:'\\21b5';color:var(--soft)}#t .u{color:var(--soft)}#t "
    ".z{border:1px solid var(--axis);font-size:.75em;padding:0 .2em}#t i:hover,#t .o{outline:2px "
    "solid var(--link);outline-offset:0}#t i:target{outline:2px solid var(--ink)}\n",
    "#d{position:fixed;left:0;right:0;bottom:0;max-height:10.5rem;overflow:auto;background:var(--"
    "new);border-top:1.5px solid var(--ink);padding:.5rem max(1.25rem,calc(50vw - "
    "540px));white-space:pre-line;font-size:.85rem;line-height:1.45;overflow-wrap:anywhere;z-"
    "index:2}#d::first-line{font-weight:600}\n",
    ".tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:"
    "0 2.5rem;align-items:start}table{border-collapse:collapse;font-size:.85rem;width:100%;font-"
    "variant-numeric:tabular-nums}caption{text-align:left;font-weight:600;font-size:1rem;padding:"
    "1.5rem 0 .4rem}th,td{text-align:right;padding:.2rem 0 .2rem "
    ".6rem;font-weight:400;border-top:1px solid var(--rule);vertical-align:baseline}thead "
    "th{color:var(--soft);border:0}th:first-child,td:first-child{text-align:left;padding-left:0;"
    "overflow-wrap:anywhere}.t{text-align:left;overflow-wrap:anywhere;white-space:pre-wrap}.hash{"
    "font-size:.75rem;word-break:break-all}\n",
    "@media screen{#t>div{content-visibility:auto;contain-intrinsic-size:auto 1.6em}}\n",
    "@media screen and (max-width:700px){main{padding:1.2rem .8rem "
    "11rem}h1{font-size:1.5rem}#t{font-size:13px}#t>div{grid-template-columns:2.9rem "
    "minmax(0,1fr);column-gap:.5rem}#t b{flex-direction:column;line-height:1.2;justify-content:"
    "flex-start;padding-top:.2rem}}\n",
    "@page{margin:14mm 13mm}@media print{*{-webkit-print-color-adjust:exact;print-color-adjust:"
    "exact}main{max-width:none;padding:0}body{font-size:10pt}#t{font-size:8pt}.strip{position:"
    "static}#d,#m,.by-script .script{display:none}#t "
    "b{font-size:6.5pt;line-height:1.97}h2,caption{break-"
    "after:avoid}tr{break-inside:avoid}a{color:inherit;text-decoration:none}}\n",
};

void cril_view_write_style(FILE *f)
{
    cril_palette_write_root(f);
    write_colours(f, 0);
    fputs("\n@media screen and (prefers-color-scheme:dark){", f);
    write_colours(f, 1);
    fputs("}\n", f);
    for (size_t i = 0; i < sizeof(sheet) / sizeof(sheet[0]); i++)
        fputs(sheet[i], f);
}

/* A cell's figures are its title until they are first shown. */
static const char *const script[] = {
    "(function(){'use strict';document.documentElement.className='by-script';\n"
    "var t=document.getElementById('t'),d=document.getElementById('d'),m=document.getElementById("
    "'m');\n"
    "var c=t.querySelectorAll('i:not(.k)'),s=document.querySelectorAll('.strip a'),cur=null;\n"
    "function say(e){if(e.title){e.figures=e.title;e.removeAttribute('title')}return e.figures}\n"
    "function index(){return cur?Array.prototype.indexOf.call(c,cur):-1}\n",
    "function own(e){e=e.closest?e.closest('#t i'):null;\n"
    "while(e&&e.classList.contains('k')){e=e.parentNode.parentNode.previousElementSibling;"
    "e=e&&e.lastElementChild.lastElementChild}return e}\n"
    "function show(e){if(!e||e===cur)return;if(cur)cur.classList.remove('o');cur=e;e.classList."
    "add('o');d.textContent=say(e);d.hidden=false;\n"
    "m.hidden=false;m.style.left=100*index()/c.length+'%'}\n"
    "function go(i,still){var e=c[Math.max(0,Math.min(c.length-1,i))];if(!e)return;e.tabIndex=-1;"
    "if(!still)e.scrollIntoView({block:'center'});e.focus({preventScroll:true});show(e)}\n",
    "function place(step){var x=Array.prototype.filter.call(c,function(e){return e.id}),at=index("
    "),k;\n"
    "var to=x.map(function(e){return Array.prototype.indexOf.call(c,e)});\n"
    "if(step<0)to.reverse();\n"
    "for(k=0;k<to.length;k++)if(step*(to[k]-at)>0||(at<0&&step>0)){go(to[k]);return}}\n",
    "t.addEventListener('mouseover',function(e){show(own(e.target))});\n"
    "t.addEventListener('click',function(e){e=own(e.target);if(e){show(e);go(index(),true)}});\n"
    "Array.prototype.forEach.call(s,function(a,i){a.addEventListener('click',function(e){e."
    "preventDefault();go(Math.ceil(i*c.length/s.length))})});\n"
    "document.addEventListener('keydown',function(e){if(e.ctrlKey||e.altKey||e.metaKey)return;\n"
    "var k=e.key;if(k==='ArrowRight')go(index()+1);else if(k==='ArrowLeft')go(index()-1);else "
    "if(k==='n')place(1);else if(k==='p')place(-1);\n"
    "else if(k==='Escape'){d.hidden=true;return}else return;e.preventDefault()});\n",
    "function target(){var e=document.getElementById(location.hash.slice(1));if(e&&e.tagName==="
    "'I')show(e)}\n"
    "window.addEventListener('hashchange',target);target()})();\n",
};

void cril_view_write_script(FILE *f)
{
    for (size_t i = 0; i < sizeof(script) / sizeof(script[0]); i++)
        fputs(script[i], f);
}

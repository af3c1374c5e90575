#include "html_style.h"

namespace linformer {

std::string html_style() {
  return R"css(:root {
  color-scheme: light dark;
  --text: #1c1e21; --muted: #5b626b; --page: #ffffff; --soft: #f4f5f7; --line: #d5d9de;
  --link: #0b5cad; --good: #10633f; --good-soft: #e2f3ea; --bad: #9a2c10; --bad-soft: #fbe9e3;
  --neutral: #5a4a00; --neutral-soft: #fbf3d3;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --text: #e4e6ea; --muted: #a3abb5; --page: #15171a; --soft: #1f2227; --line: #3a3f46;
    --link: #7ab8ff; --good: #7fd8a9; --good-soft: #173527; --bad: #ff9d80; --bad-soft: #40211a;
    --neutral: #e8cf72; --neutral-soft: #383010;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem;
  color: var(--text); background: var(--page);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3rem 0 .8rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.08rem; line-height: 1.35; margin: 2rem 0 .5rem; }
p, ul, dl { margin: .7rem 0; }
p, li, dd { overflow-wrap: anywhere; }
main > p, main > ul, header p { max-width: 46rem; }
.subtitle { color: var(--muted); margin-top: 0; }
a { color: var(--link); }
nav { margin: 1.5rem 0; padding: .8rem 1.1rem; background: var(--soft); border-radius: .4rem; }
nav ul { list-style: none; margin: 0; padding: 0; columns: 20rem; column-gap: 2rem; }
nav li { break-inside: avoid; padding: .1rem 0; }
nav .sub { padding-left: 1.2rem; font-size: .92em; }
figure { margin: 1.8rem 0; }
figcaption { margin: .6rem 0; max-width: 52rem; color: var(--muted); font-size: .93rem; }
figcaption b { color: var(--text); margin-right: .3rem; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; }
.wide > svg { min-width: 30rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem 1.2rem; }
.panels .wide > svg { min-width: 24rem; }
.panel-title { margin: 0 0 .3rem; font-weight: 600; font-size: .95rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: .32rem .75rem; text-align: left; vertical-align: baseline; }
tbody th { font-weight: 400; }
thead th { vertical-align: bottom; border-bottom: 1px solid var(--line); }
thead .num { text-align: right; }
thead th[colspan] { text-align: center; }
thead tr:last-child th, thead th[rowspan] { border-bottom: 2px solid var(--text); }
tbody td, tbody th { border-bottom: 1px solid var(--line); }
tbody:last-child tr:last-child > * { border-bottom: 2px solid var(--text); }
tbody .num { text-align: right; white-space: nowrap; }
tbody .none { color: var(--muted); }
tr.group th { font-weight: 600; padding-top: .8rem; background: var(--soft); }
td.published, th.published { font-style: italic; background: var(--soft); }
.published abbr { font-size: .74em; font-style: normal; color: var(--muted); text-decoration: none; }
sup { line-height: 0; font-size: .72em; padding-left: .15em; color: var(--link); }
.notes { list-style: none; padding: 0; margin: .5rem 0 0; font-size: .86rem; color: var(--muted); max-width: 52rem; }
.badge {
  display: inline-block; padding: .05rem .55rem; border: 1px solid; border-radius: 1rem;
  font-size: .86rem; font-weight: 600; line-height: 1.5;
}
.good { color: var(--good); background: var(--good-soft); }
.bad { color: var(--bad); background: var(--bad-soft); }
.neutral { color: var(--neutral); background: var(--neutral-soft); }
.missing { color: var(--muted); background: var(--soft); border-style: dashed; }
.verdict .badge { margin-right: .4rem; }
td .badge { white-space: nowrap; }
details { margin: 1.2rem 0; padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .4rem; }
summary { cursor: pointer; font-weight: 600; font-size: .93rem; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1rem; font-size: .88rem; }
dt { color: var(--muted); }
dd { margin: 0; }
code { font: .95em/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }
@media (max-width: 34rem) {
  body { padding: 1.2rem .9rem 3rem; }
  h1 { font-size: 1.5rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root { --text: #000; --muted: #333; --page: #fff; --soft: #fff; --line: #999; --link: #000;
    --good: #000; --good-soft: #fff; --bad: #000; --bad-soft: #fff; --neutral: #000; --neutral-soft: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { border: 1px solid var(--line); }
  a { text-decoration: none; }
  h1, h2, h3, .panel-title { break-after: avoid; }
  figure, tr, .verdict, dl > * { break-inside: avoid; }
  .wide { overflow: visible; }
  .wide > svg, .panels .wide > svg { min-width: 0; }
  .panels { grid-template-columns: 1fr 1fr; }
  thead { display: table-header-group; }
  table { font-size: 8.5pt; }
  th, td { padding: .2rem .45rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
)css";
}

}  // namespace linformer

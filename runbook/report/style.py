"""The style sheet of the page. Sober: one column, system fonts, colour only for judgements and never alone.

Colours are those of Okabe and Ito darkened to a contrast of at least 4.5 to 1 on white (WCAG 2.2, 1.4.3); each judged
word also has a mark in front, because paper is often grey.
"""

from __future__ import annotations

STYLE = """
:root { --ink: #1d2126; --dim: #5a626b; --line: #d5d9de; --wash: #f5f6f7;
  --good: #00684c; --bad: #a63c00; --odd: #5a4a00; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 70rem; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
header p { margin: .3rem 0 1rem; color: var(--dim); overflow-wrap: anywhere; }
h2 { margin: 2.4rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); font-size: 1.15rem; }
.verdicts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.verdicts li { flex: 1 1 7rem; padding: .6rem .8rem; border: 1px solid var(--line);
  border-left: .35rem solid currentColor; }
.verdicts span { display: block; color: var(--dim); font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .odd { color: var(--odd); }
.good strong::before { content: "+ "; } .bad strong::before { content: "x "; } .odd strong::before { content: "- "; }
.wide { overflow-x: auto; }
table { width: 100%; margin: .6rem 0 1rem; border-collapse: collapse; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--dim); font-weight: 600; white-space: nowrap; }
td { overflow-wrap: break-word; } td.long { min-width: 7rem; overflow-wrap: anywhere; }
.facts th { width: 11rem; color: var(--dim); font-weight: 400; }
figure { margin: 1.2rem 0 .4rem; }
figcaption { font-weight: 600; font-size: .9rem; overflow-wrap: anywhere; }
pre { margin: .3rem 0; padding: .6rem .8rem; background: var(--wash); border: 1px solid var(--line);
  white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; }
.empty { color: var(--dim); }
svg { display: block; width: 100%; height: auto; margin: .4rem 0 1rem; }
footer { margin-top: 3rem; color: var(--dim); font-size: .85rem; overflow-wrap: anywhere; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .wide { overflow: visible; } h2 { break-after: avoid; } tr, figure, .verdicts li { break-inside: avoid; }
  @page { margin: 18mm 15mm; }
}
"""
"""Changing one letter changes its hash, which the page computes for its own policy."""

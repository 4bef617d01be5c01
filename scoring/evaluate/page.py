"""The report of an evaluation as one HTML page: self-contained, without a script, readable by a screen reader and on paper."""

from collections.abc import Mapping
from html import escape
from typing import Any

from scoring.evaluate import sections
from scoring.evaluate.tables import listed

STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1a1a1a,#eee);--soft:light-dark(#595959,#b5b5b5);--rule:light-dark(#d0d0d0,#484848);
--c0:light-dark(#0b5cad,#7db8ff);--c1:light-dark(#a33b00,#ffb07d);--c2:light-dark(#3d6b00,#a9dd66);--c3:light-dark(#7a2a8f,#dda0f0);--c4:light-dark(#555,#bbb)}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-bottom:1px solid var(--rule)}table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}.wide{overflow-x:auto}figure{margin:1.5rem 0}
figcaption,.note{color:var(--soft)}.warning{border-left:.3rem solid var(--c1);padding:.2rem 1rem}svg{width:100%;max-width:44rem;height:auto;font:13px system-ui,sans-serif}
svg text{fill:var(--ink)}.heading{font-weight:600}.axis{stroke:var(--ink);fill:none}.grid{stroke:var(--rule);fill:none}.ideal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke-width:2.2}.band{opacity:.18;stroke:none}.bar{fill:var(--c0)}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
.dot.c0,.band.c0{fill:var(--c0)}.dot.c1,.band.c1{fill:var(--c1)}.band.c2{fill:var(--c2)}.band.c3{fill:var(--c3)}.band.c4{fill:var(--c4)}
@media print{details{display:block}details>*{display:block}}
"""


def html(report: Mapping[str, Any]) -> str:
    """The page. Without labels it says that there is nothing to judge."""
    title = f"Evaluation: {report['task']}"
    head = f"{report['patients']:,} patients, {report['hours']:,} hours; model {report['model']} {report['version']}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1><p>{escape(head)}</p>{_body(report)}</main></body></html>\n"
    )


def _body(report: Mapping[str, Any]) -> str:
    if "figures" not in report:
        return "<p>The files carry no labels, so there is nothing to judge.</p>"
    parts = [
        f'<p class="warning">{escape(str(report["warning"]))}</p>',
        "<h2>What the data cannot say</h2>" + listed(report["limits"]),
        "<h2>How it was judged</h2>" + listed(f"{name}: {says}" for name, says in report["method"].items()),
        *(f'<h2 id="{key}">{escape(heading)}</h2>{make(report)}' for key, heading, make in sections.SECTIONS),
    ]
    return "".join(parts)

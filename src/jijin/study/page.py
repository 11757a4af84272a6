"""The report as one HTML file that needs no network: pictures are inside it, and nothing is fetched or run."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from jijin.study.contents import Embedded, Item, Note, Picture, Section, Table, Verbatim, shown

ONE_LINE = 20  # letters of a cell that is not broken
LARGEST_SVG = 200_000  # bytes; a picture with more to it is put on the page as PNG
MIME = {".png": "image/png", ".svg": "image/svg+xml"}
CSS = """
:root { --ink: #222; --grey: #666; --line: #ddd; --accent: #0072B2; --pale: #f4f7fa }
* { box-sizing: border-box }
html { scroll-behavior: smooth }
body { margin: 0 auto; max-width: 1680px; padding: 0 clamp(12px, 3vw, 40px) 4rem; color: var(--ink); background: #fff;
  font: clamp(16px, 0.4vw + 11px, 20px)/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 2em; line-height: 1.2; margin: 2rem 0 0.5rem }
h2 { font-size: 1.45em; margin: 3rem 0 0.5rem; padding-top: 0.5rem; border-top: 3px solid var(--accent) }
nav { margin: 1.2rem 0; display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem }
a { color: var(--accent) }
p { max-width: 75ch }
.missing { padding: 0.5rem 0.9rem; background: #fff6e5; border-left: 4px solid #E69F00 }
.pictures { display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)) }
figure { margin: 0; max-width: 640px; break-inside: avoid }
.small { grid-template-columns: repeat(auto-fit, minmax(min(46%, 250px), 1fr)) }
.small figure { max-width: 400px }
.wide, .natural { grid-template-columns: 100% }
.wide figure, .natural figure { max-width: none }
figure img { display: block; width: 100%; height: auto; max-height: 92vh; object-fit: contain }
figcaption, .caption { color: var(--grey); font-size: 0.85em }
.caption { margin: 1.2rem 0 0.3rem }
.natural img { width: auto; max-width: 100% }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 0.84em; margin: 0 0 1rem; font-variant-numeric: tabular-nums }
th, td { padding: 0.35em 0.6em; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { border-bottom: 2px solid var(--ink); vertical-align: bottom; line-height: 1.25 }
td.number, th.number { text-align: right }
td.number, td.short { white-space: nowrap }
td.long { min-width: 10em }
td:first-child { font-weight: 600 }
tbody tr:nth-child(even) { background: var(--pale) }
details { margin: 1rem 0 }
pre { overflow-x: auto; background: var(--pale); padding: 0.8rem; font-size: 0.75em; line-height: 1.35 }
@media (max-width: 700px) {
  .wide img, .natural img { width: 820px; max-width: none; max-height: none }
  th, td { padding: 0.3em 0.5em }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt }
  nav { display: none }
  h2 { break-after: avoid }
  .panel { grid-template-columns: 1fr 1fr }
  .small { grid-template-columns: 1fr 1fr 1fr 1fr }
  .scroll { overflow: visible }
  table { font-size: 7pt }
  th, td { padding: 0.2em 0.4em }
  figure img { max-height: 20cm }
}
"""


def page(title: str, lead: Sequence[str], sections: Sequence[Section], output: Path) -> str:
    """The whole HTML. Pictures are read from output/figures and where Embedded says; any text is escaped."""
    links = "".join(f'<a href="#{s.key}">{escape(s.title)}</a>' for s in sections)
    body = "\n".join(_section(s, output) for s in sections)
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in lead)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{paragraphs}
<nav>{links}</nav>
{body}
</body>
</html>
"""


def _section(section: Section, output: Path) -> str:
    pictured = Picture | Embedded
    parts = (_pictures(run, output) if isinstance(run[0], pictured) else _other(run[0]) for run in _runs(section.items))
    return f'<section id="{section.key}">\n<h2>{escape(section.title)}</h2>\n' + "\n".join(parts) + "\n</section>"


def _runs(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Pictures of one size that follow one another together, everything else by itself."""
    for size, group in groupby(items, key=lambda item: getattr(item, "size", None)):
        run = list(group)
        yield from [run] if size else ([item] for item in run)


def _pictures(run: Sequence[Item], output: Path) -> str:
    size = getattr(run[0], "size", "")
    return f'<div class="pictures {size}">{"".join(_picture(item, output) for item in run)}</div>'


def _picture(item: Item, output: Path) -> str:
    assert isinstance(item, Picture | Embedded)
    path = output / (item.path if isinstance(item, Embedded) else f"figures/{item.name}.svg")
    if isinstance(item, Picture) and path.stat().st_size > LARGEST_SVG:
        path = path.with_suffix(".png")
    data = base64.b64encode(path.read_bytes()).decode()
    image = f'<img src="data:{MIME[path.suffix]};base64,{data}" alt="{escape(item.caption)}">'
    return f'<figure><div class="scroll">{image}</div><figcaption>{escape(item.caption)}</figcaption></figure>'


def _other(item: Item) -> str:
    if isinstance(item, Table):
        return table(item)
    if isinstance(item, Note):
        return f'<p class="missing">{escape(item.text)}</p>' if item.missing else f"<p>{escape(item.text)}</p>"
    assert isinstance(item, Verbatim)
    return f"<details><summary>{escape(item.title)}</summary><pre>{escape(item.text)}</pre></details>"


def table(item: Table) -> str:
    """A table as HTML, below its caption; numbers to the right, text to the left."""
    frame = item.frame
    kinds = {column: _kind(frame[column].tolist()) for column in frame}
    heads = "".join(f'<th class="{kinds[c]}">{escape(str(c))}</th>' for c in frame)
    rows = [
        "".join(f'<td class="{kinds[c]}">{escape(shown(row[c], item.specs.get(c, "")))}</td>' for c in frame)
        for row in frame.to_dict("records")
    ]
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    inner = f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>"
    return f'<p class="caption">{escape(item.caption)}</p>\n<div class="scroll"><table>{inner}</table></div>'


def _kind(values: Sequence[Any]) -> str:
    """number, or text that is short enough to stand on one line, or long."""
    words = [v for v in values if isinstance(v, str)]
    return "number" if not words else "short" if max(map(len, words)) <= ONE_LINE else "long"


def summary(title: str, lead: Sequence[str], sections: Sequence[Section]) -> str:
    """The same in Markdown, without the pictures: what can be pasted into a note."""
    lines = [f"# {_cell(title)}", "", *(f"{_cell(text)}\n" for text in lead)]
    for section in sections:
        parts = [_markdown(item) for item in section.items if isinstance(item, Table | Note)]
        if parts:
            lines += [f"## {_cell(section.title)}", "", *parts]
    return "\n".join(lines)


def _markdown(item: Table | Note) -> str:
    if isinstance(item, Note):
        return _cell(item.text) + "\n"
    columns = list(item.frame)
    rows = [[shown(row[c], item.specs.get(c, "")) for c in columns] for row in item.frame.to_dict("records")]
    lines = [[str(c) for c in columns], ["---"] * len(columns), *rows]
    return "\n".join([_cell(item.caption), "", *("| " + " | ".join(map(_cell, line)) + " |" for line in lines), ""])


def _cell(text: str) -> str:
    """Text that stays within its cell and is no HTML."""
    return escape(text, quote=False).replace("|", "\\|").replace("\n", " ")

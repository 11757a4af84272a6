"""A decision tree as a picture: the root at the left, a row a leaf, so that a page holds its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#56B4E9", "#E69F00")  # of the two classes, Okabe and Ito's palette
LEVEL_INCH, ROW_INCH, WRAP = 1.75, 0.42, 18  # WRAP in letters


@dataclass(frozen=True, slots=True)
class Node:
    """One node: x is its depth, y its row; text and share (of the second class) are what it shows."""

    x: int
    y: float
    text: str
    share: float
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def layout(tree: Any, names: Sequence[str], classes: Sequence[str], levels: int) -> Node:
    """Place the nodes of scikit-learn's tree_ down to a depth; what lies deeper is only counted."""
    rows = iter(range(tree.node_count))

    def place(node: int, depth: int) -> Node:
        share = float(tree.value[node, 0, 1] / tree.value[node, 0].sum())
        below = tree.children_left[node], tree.children_right[node]
        if below[0] < 0 or depth == levels:
            text = _leaf(share, int(tree.n_node_samples[node]), classes) + ("" if below[0] < 0 else " …")
            return Node(depth, next(rows), text, share)
        children = tuple(place(int(child), depth + 1) for child in below)
        text = fill(f"{names[tree.feature[node]]} ≤\N{NO-BREAK SPACE}{tree.threshold[node]:.3g}?", WRAP)
        return Node(depth, float(np.mean([c.y for c in children])), text, share, children)

    return place(0, 0)


def _leaf(share: float, count: int, classes: Sequence[str]) -> str:
    """earthquake 116 of 117"""
    mine = round(max(share, 1 - share) * count)
    return f"{classes[int(share > 0.5)]}\n{mine} of {count}"


def draw(tree: Any, names: Sequence[str], classes: Sequence[str], levels: int) -> Figure:
    """Figure of scikit-learn's tree_ down to a depth: questions in white, answers in the colour of their class."""
    from matplotlib.figure import Figure

    nodes = list(layout(tree, names, classes, levels).walk())
    depth, rows = max(node.x for node in nodes), sum(not node.children for node in nodes)
    figure = Figure(figsize=(LEVEL_INCH * (depth + 1), ROW_INCH * (rows + 1)), layout="constrained")
    axes = figure.subplots()
    for node in nodes:
        _draw(axes, node)
    axes.set(xlim=(-0.5, depth + 0.5), ylim=(rows - 0.4, -0.6))
    axes.axis("off")
    return figure


def _draw(axes: Axes, node: Node) -> None:
    """A node in its box, with an elbow to each child: yes above, no below."""
    for answer, side, child in zip(("yes", "no"), ("bottom", "top"), node.children, strict=False):
        axes.plot([node.x, node.x, child.x], [node.y, child.y, child.y], color="#8a8a8a", linewidth=1, zorder=0)
        axes.text(node.x + 0.36, child.y, answer, fontsize=7, color="#555555", va=side)
    box = {"boxstyle": "round,pad=0.3", "facecolor": _tint(node), "edgecolor": "#555555"}
    weight = "normal" if node.children else "bold"
    axes.text(node.x, node.y, node.text, ha="center", va="center", fontsize=8, bbox=box, weight=weight)


def _tint(node: Node) -> tuple[float, ...]:
    """White for a question; for an answer the colour of its class, the paler the less sure."""
    from matplotlib.colors import to_rgb

    strength = 0.0 if node.children else 0.2 + 0.7 * abs(2 * node.share - 1)
    return tuple(1 - strength * (1 - part) for part in to_rgb(COLOURS[int(node.share > 0.5)]))

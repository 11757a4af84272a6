"""The picture of a decision tree: what it says is what the tree does."""

from __future__ import annotations

import numpy as np
import pytest

from jijin.models.tree_figure import Node, draw, layout

tree = pytest.importorskip("sklearn.tree")
NAMES, CLASSES = ["loudness", "rise time"], ("noise", "earthquake")


def fitted(depth: int | None = None):
    """An earthquake is loud, and quick: 20 windows."""
    x = np.array([[k // 2, k % 2] for k in range(20)], float)
    y = (x[:, 0] > 4) & (x[:, 1] < 0.5)
    return tree.DecisionTreeClassifier(max_depth=depth, random_state=0).fit(x, y), x, y


def answer(node: Node, row: np.ndarray) -> str:
    """Follow the questions as they are written."""
    while node.children:
        name, limit = node.text.replace("\n", " ").rstrip("?").replace("\N{NO-BREAK SPACE}", " ").split(" ≤ ")
        node = node.children[0 if row[NAMES.index(name)] <= float(limit) else 1]
    return node.text.split("\n")[0]


def test_following_the_questions_gives_the_trees_answer() -> None:
    model, x, _ = fitted()
    root = layout(model.tree_, NAMES, CLASSES, 10)
    assert [answer(root, row) for row in x] == [CLASSES[int(said)] for said in model.predict(x)]


def test_every_leaf_has_a_row_and_yes_is_above_no() -> None:
    root = layout(fitted()[0].tree_, NAMES, CLASSES, 10)
    leaves = [node for node in root.walk() if not node.children]
    assert [node.y for node in leaves] == list(range(len(leaves)))
    assert all(node.children[0].y < node.y < node.children[1].y for node in root.walk() if node.children)
    assert sum(int(node.text.split()[-1]) for node in leaves) == 20


def test_what_is_deeper_than_drawn_is_counted_and_marked() -> None:
    model, _, y = fitted()
    root = layout(model.tree_, NAMES, CLASSES, 1)
    assert len(list(root.walk())) == 3 and sum(node.text.endswith(" …") for node in root.walk()) == 1
    assert layout(model.tree_, NAMES, CLASSES, 0).text == f"noise\n{20 - y.sum()} of 20 …"


def test_a_tree_of_one_leaf_is_drawn() -> None:
    model = tree.DecisionTreeClassifier().fit(np.zeros((4, 2)), [0, 1, 1, 1])
    (text,) = draw(model.tree_, NAMES, CLASSES, 3).axes[0].texts
    assert text.get_text() == "earthquake\n3 of 4"

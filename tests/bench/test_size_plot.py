"""The plot of cost against size: every label is inside it, and none is over another."""

import itertools
from xml.etree import ElementTree

from bench import size_plot

SVG = "{http://www.w3.org/2000/svg}"
CHARACTER = 7  # pixels on average, at 12 pixels a line


def drawn(ratios):
    root = ElementTree.fromstring(size_plot.draw({0.0: dict.fromkeys(ratios, 1.0), 1.0: ratios}, 1.3))
    width, height = map(float, root.get("viewBox").split()[2:])
    texts = [(float(each.get("x")), float(each.get("y")), each.text) for each in root.iter(f"{SVG}text")]
    return width, height, texts


def test_labels_are_inside_and_apart():
    ratios = {f"/usage?period=12m&client=Claude&page={n}": 1.0 + n / 10 for n in range(40)}
    width, height, texts = drawn(ratios)
    labels = [(x, y, text) for x, y, text in texts if "/usage" in text]
    assert len(labels) == 2 * size_plot.LISTED
    assert all(x + len(text) * CHARACTER <= width for x, y, text in labels)
    heights = sorted(y for _, y, _ in labels)
    assert all(below - above >= 12 for above, below in itertools.pairwise(heights))
    words = [y for _, y, text in texts if "million" in text or "calls stored" in text]
    assert max(heights) + 12 <= min(words) and max(words) <= height


def test_the_worst_is_named_with_its_ratio():
    *_, texts = drawn({"/a": 5.5, "/b&c": 1.0})
    assert "5.5 × /a" in [text for *_, text in texts] and "1.0 × /b&c" in [text for *_, text in texts]

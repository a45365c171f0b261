"""Sizes on pages come from one scale (static/css/base.css). Each failure says which token to use instead."""

import re

import pytest

from tests.test_vocabulary import ROOT

CSS = sorted((ROOT / "static" / "css").glob("*.css"))
BASE = ROOT / "static" / "css" / "base.css"
_DECLARATION = re.compile(r"^ *([a-z-]+): ([^;{}]+);", re.MULTILINE)
_MOST_VALUES = 8
_HAIRLINE = 3  # pixels: optical corrections, not spacing


def declarations(path):
    text = path.read_text()
    for match in _DECLARATION.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def pixels_in(value):
    return [float(number) for number in re.findall(r"(?<![\w.-])-?([\d.]+)px", value)]


@pytest.mark.parametrize("scale", ["text", "space", "radius"])
def test_a_scale_has_few_values_and_each_is_used(scale):
    values = set(re.findall(rf"--{scale}-[\w-]+(?=:)", BASE.read_text()))
    used = {token for path in CSS for token in re.findall(rf"var\((--{scale}-[\w-]+)\)", path.read_text())}
    assert 0 < len(values) <= _MOST_VALUES, f"Keep --{scale}-* at {_MOST_VALUES} values: merge two neighbours"
    assert values == used, f"Remove or define in base.css: {sorted(values ^ used)}"


@pytest.mark.parametrize("path", CSS, ids=lambda path: path.name)
def test_sizes_come_from_the_scale(path):
    wrong = []
    for line, name, value in declarations(path):
        if (
            name == "font-size" and pixels_in(value) and "!important" not in value
        ):  # iOS zooms into smaller fields
            wrong.append(f"{path.name}:{line} font-size: {value}: use --text-*")
        if name.endswith("radius") and (pixels_in(value) or "%" in value):
            wrong.append(f"{path.name}:{line} {name}: {value}: use --radius-*")
        spaced = re.fullmatch(r"(row-|column-)?gap|(padding|margin)(-[a-z-]+)?", name)
        if spaced and any(pixel > _HAIRLINE for pixel in pixels_in(value)):
            wrong.append(f"{path.name}:{line} {name}: {value}: use --space-*")
    assert not wrong, "Set sizes from the scale in base.css:\n" + "\n".join(wrong)

"""Derives a readable colour set for both themes from one accent colour (WCAG 2.2, contrast 1.4.3)."""

GROUNDS = {"light": ("#ffffff", "#f7f6f3"), "dark": ("#1c1c1a", "#141413")}
_READABLE = 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two `#rrggbb` colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Return `one` with the given share (0 to 1) of `other` mixed in."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def accent_set(accent: str, theme: str) -> dict[str, str]:
    """Return the properties derived from the accent in `light` or `dark`: fills, text on fills, text."""
    panel, ground = GROUNDS[theme]
    toward = "#000000" if theme == "light" else "#ffffff"
    soft = mix(panel, accent, 0.12 if theme == "light" else 0.2)
    ink = accent
    for step in range(1, 101):
        if min(contrast(ink, background) for background in (panel, ground, soft)) >= _READABLE:
            break
        ink = mix(accent, toward, step / 100)
    fill = accent if theme == "light" else ink
    on_fill = max("#ffffff", "#0b1413", key=lambda text: contrast(text, fill))
    away = "#000000" if on_fill == "#ffffff" else "#ffffff"
    return {
        "accent": fill,
        "accent-hover": mix(fill, away, 0.12),
        "on-accent": on_fill,
        "accent-ink": ink,
        "accent-soft": soft,
    }


def stylesheet(accent: str) -> str:
    """Return the style sheet that overrides our accent with the company's."""

    def block(theme: str) -> str:
        return (
            ":root{"
            + "".join(f"--{name}:{value};" for name, value in accent_set(accent, theme).items())
            + "}"
        )

    return f"{block('light')}\n@media (prefers-color-scheme: dark){{{block('dark')}}}\n"


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Return the relative luminance as WCAG defines it."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""One accent colour becomes a readable set for both themes (WCAG 2.2, contrast 1.4.3)."""

GROUNDS = {"light": ("#ffffff", "#f7f6f3"), "dark": ("#1c1c1a", "#141413")}
_READABLE = 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two `#rrggbb` colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`share` of `other` mixed into `one`."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def accent_set(accent: str, theme: str) -> dict[str, str]:
    """The custom properties that follow from the accent in `light` or `dark`: fills, text on them, text in
    the accent.
    """
    panel, ground = GROUNDS[theme]
    toward = "#000000" if theme == "light" else "#ffffff"
    soft = mix(panel, accent, 0.12 if theme == "light" else 0.2)
    ink = accent
    for step in range(1, 101):
        if min(contrast(ink, place) for place in (panel, ground, soft)) >= _READABLE:
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
    """The style sheet that puts a company's accent over ours."""

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
    """Relative luminance as WCAG defines it."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

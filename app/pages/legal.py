"""Privacy and terms: the operator's own text, or one that says what the software does."""

import functools
from pathlib import Path

from app.config import Settings
from app.page_settings import LegalText
from app.pages.markdown import RenderedPage, render

_TEXTS = Path(__file__).parent / "texts"


def load(name: str, own: LegalText, settings: Settings) -> RenderedPage:
    """The page "privacy" or "terms"."""
    if own.markdown is not None:
        return _rendered(own.markdown, settings.brand_name)
    text = (_TEXTS / f"{name}.md").read_text()
    days = {"USAGE_DAYS": settings.usage_retention_days, "GRANT_DAYS": settings.oauth_refresh_ttl // 86_400}
    for place, number in days.items():
        text = text.replace(place, f"{number:,}")
    return _rendered(text, settings.brand_name)


@functools.lru_cache(maxsize=16)
def _rendered(text: str, brand: str) -> RenderedPage:
    return render(text, brand=brand)

"""The settings of tracing, by the names OpenTelemetry gave them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from app import url_settings
from app.errors import ConfigError

ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_LOCAL_COLLECTOR = "http://localhost:4318"
_ON, _OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_PACKAGES = ("opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.common.trace_encoder")


@dataclass(frozen=True)
class TracingSettings:
    """Where spans go. `sample_ratio` is the share of new traces that are recorded, from 0 to 1."""

    endpoint: str
    headers: Mapping[str, str] = field(repr=False)  # they may hold the collector's key
    service_name: str
    sample_ratio: float


def parse(environ: Mapping[str, str]) -> TracingSettings | None:
    """The settings, or None while tracing is off, which costs nothing.

    Raises ConfigError for a wrong value, and if tracing is on without the packages of the extra `otel`.
    """
    base, exact = environ.get(ENDPOINT, ""), environ.get(TRACES_ENDPOINT, "")
    for name in (ENDPOINT, TRACES_ENDPOINT):
        if environ.get(name):
            url_settings.parse(name, environ[name])
    headers = _headers(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
    ratio = _ratio(environ.get("OTEL_TRACES_SAMPLER_ARG", ""))
    service = environ.get("OTEL_SERVICE_NAME") or "patchbay"
    is_on = _flag(environ, "TRACING", default=bool(base or exact))
    if _flag(environ, "OTEL_SDK_DISABLED", default=False) or not is_on:
        return None
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            switch = "TRACING" if environ.get("TRACING") else (ENDPOINT if base else TRACES_ENDPOINT)
            raise ConfigError(
                f"{switch} turns tracing on, but the OpenTelemetry packages are not installed: run "
                "pip install -r requirements-otel.txt, or set TRACING=0."
            ) from None
    endpoint = exact or f"{(base or _LOCAL_COLLECTOR).rstrip('/')}/v1/traces"
    return TracingSettings(endpoint, headers, service, ratio)


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").lower()
    if text and text not in _ON | _OFF:
        raise ConfigError(f"{name} must be 1 or 0, not {text!r}.")
    return text in _ON if text else default


def _headers(text: str) -> dict[str, str]:
    """Pairs such as `api-key=abc,team=ops`, percent-encoded (the format of W3C baggage)."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = (unquote(part.strip()) for part in pair.partition("="))
        if not separator or not name.isascii() or not (name + value).isprintable() or " " in name or not name:
            raise ConfigError(
                "OTEL_EXPORTER_OTLP_HEADERS must be pairs such as api-key=abc,team=ops; a comma is %2C."
            )
        found[name] = value
    return found


def _ratio(text: str) -> float:
    try:
        ratio = float(text or 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ConfigError(f"OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not {text!r}.")
    return ratio

"""The names of files in a mail: what the sender meant, made safe to save under."""

import mimetypes
import re
import unicodedata

from app.connectors.gmail.headers import Part, decoded, parameter

_LONGEST = 150
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_EXTENSIONS = {  # what the standard library does not know, or knows otherwise on some systems
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/xml": ".xml",
    "application/xml": ".xml",
    **dict.fromkeys(("application/x-pdf", "application/acrobat", "text/pdf", "text/x-pdf"), ".pdf"),
    "image/jpeg": ".jpg",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
    "message/rfc822": ".eml",
}


def filename_of(part: Part) -> str:
    """The sender's name for a file, decoded; "" for none. Gmail's own reading of it may be raw or broken."""
    name = decoded(str(part.get("filename") or ""))
    if name and "\ufffd" not in name:
        return name
    disposition = parameter(part, "Content-Disposition", "filename")
    return disposition or parameter(part, "Content-Type", "name") or name


def clean_filename(part: Part) -> str:
    """A name that is safe to save under: the stranger's name without folders, tricks or reserved names."""
    name = re.split(r"[/\\]", filename_of(part))[-1]
    name = "".join("_" if c in '<>:"|?*' else c for c in name if unicodedata.category(c)[0] != "C")
    name = name.strip().lstrip(".").strip() or _invented(part)
    if _RESERVED.match(name):
        name = "_" + name
    stem, dot, extension = name.rpartition(".")
    if len(name) > _LONGEST and dot and len(extension) <= 10:
        return stem[: _LONGEST - len(extension) - 1] + "." + extension
    return name[:_LONGEST]


def _invented(part: Part) -> str:
    """A name for a file without one, such as attachment-2.pdf."""
    kind = str(part.get("mimeType") or "").lower()
    if kind == "message/rfc822":
        return "forwarded-message.eml"
    if _begins_as_pdf(part):
        return f"attachment-{part.get('partId') or 0}.pdf"
    extension = _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""
    return f"attachment-{part.get('partId') or 0}{extension}"


def _begins_as_pdf(part: Part) -> bool:
    """Whether the content that came with the message begins with %PDF-, in base64."""
    body = part.get("body")
    return isinstance(body, dict) and str(body.get("data") or "").startswith("JVBERi0")

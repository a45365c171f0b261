"""A bar chart as PNG, without an image library (PNG specification, third edition)."""

import struct
import zlib
from collections.abc import Sequence

_WIDTH, _HEIGHT, _GAP = 360, 160, 12
_PAPER, _INK = b"\xff\xff\xff", b"\x14\x53\x2d"


def draw_bars(values: Sequence[float]) -> bytes:
    """The values as bars from left to right, the highest as tall as the picture."""
    most = max(values, default=0) or 1
    bar = (_WIDTH - _GAP) // max(len(values), 1)
    rows = []
    for y in range(_HEIGHT):
        pixels = bytearray(_PAPER * _WIDTH)
        for number, value in enumerate(values):
            if _HEIGHT - y <= value / most * (_HEIGHT - _GAP):
                start = _GAP + number * bar
                pixels[start * 3 : (start + bar - _GAP) * 3] = _INK * (bar - _GAP)
        rows.append(b"\x00" + bytes(pixels))
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

"""A small load generator: fixed requests over keep-alive connections, every answer checked for its status."""

import asyncio
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What one run measured. Times in milliseconds."""

    rate: float
    calls: int
    median: float
    p95: float
    p99: float
    errors: int


async def _connection(
    host: str, port: int, request: bytes, until: float, times: list[float], errors: list[str]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            if b"content-length:" in lower:
                length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length) if length else b""
            else:
                body = await _chunked(reader)
            times.append((time.perf_counter() - started) * 1000)
            if b" 200 " not in head[:15] or b'"isError":true' in body:
                errors.append((head[:40] + body[:200]).decode("utf-8", "replace"))
            if b"connection: close" in lower:
                writer.close()
                reader, writer = await asyncio.open_connection(host, port)
    finally:
        writer.close()


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def _run(host: str, port: int, request: bytes, connections: int, seconds: float) -> Load:
    times: list[float] = []
    errors: list[str] = []
    started = time.perf_counter()
    await asyncio.gather(
        *(_connection(host, port, request, started + seconds, times, errors) for _ in range(connections))
    )
    took = time.perf_counter() - started
    if errors:
        raise SystemExit(f"{len(errors)} of {len(times)} answers were wrong, the first: {errors[0]}")
    ordered = sorted(times)
    return Load(
        len(times) / took,
        len(times),
        statistics.median(ordered),
        ordered[int(len(ordered) * 0.95) - 1],
        ordered[int(len(ordered) * 0.99) - 1],
        len(errors),
    )


def run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Send `request` over so many connections for so long. Stops with a message when an answer is wrong."""
    return asyncio.run(_run("127.0.0.1", port, request, connections, seconds))


def once(port: int, request: bytes) -> bytes:
    """The body of one answer."""

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length:" not in head:
            return await _chunked(reader)
        return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))

    return asyncio.run(ask())


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Content-Length: {len(body)}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, headers: dict[str, str]) -> bytes:
    """The bytes of one GET."""
    return (
        "\r\n".join([f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]).encode()
        + b"\r\n\r\n"
    )

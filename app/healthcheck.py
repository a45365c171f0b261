"""`python -m app.healthcheck`: exits with 0 if the web server of this container answers, without curl."""

import http.client
import os
import sys

_SECONDS = 4.0


def main() -> int:
    """Return 0 if /health on this machine answers 200 within four seconds, else 1 with the reason."""
    host = os.environ.get("BIND_HOST") or "127.0.0.1"
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host in {"0.0.0.0", "::"} else host,  # noqa: S104
        int(os.environ.get("PORT") or 8000),
        timeout=_SECONDS,
    )
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except OSError as error:
        print(f"no answer from /health: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if status != 200:
        print(f"/health answered {status}", file=sys.stderr)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())

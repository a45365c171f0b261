"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi …`."""

import sys

from app.errors import ConfigError
from app.factory import create_app

try:
    app = create_app()
except ConfigError as error:
    print(f"Patchbay cannot start: {error.message}", file=sys.stderr)
    sys.exit(3)  # gunicorn's "worker failed to boot": after any other status it starts the worker again

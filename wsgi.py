"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi …`."""

import sys

from app.errors import ConfigError
from app.factory import create_app

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"Patchbay cannot start: {error.message}")

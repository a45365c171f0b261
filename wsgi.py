"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi …`."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from app.errors import ConfigError
from app.factory import create_app
from app.web.command_errors import explain

try:
    app = create_app()
except (ConfigError, OSError, SQLAlchemyError) as error:
    print(f"Patchbay cannot start: {explain(error)}", file=sys.stderr)
    # 3 is gunicorn's "worker failed to boot": after any other status it starts the worker again.
    sys.exit(1 if click.get_current_context(silent=True) else 3)

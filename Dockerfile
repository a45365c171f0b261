# Patchbay as an image: docker build -t patchbay .
ARG BASE=docker.io/library/python:3.13.11-slim-trixie

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt /tmp/requirements.txt
# Without what is never imported: tests, type stubs, and the sources of compiled modules.
RUN python3 -m venv --without-pip /opt/patchbay/venv \
 && python3 -m pip --python /opt/patchbay/venv/bin/python install -r /tmp/requirements.txt \
 && find /opt/patchbay/venv -depth -type d -name tests -path "*/site-packages/*" -exec rm -rf {} + \
 && find /opt/patchbay/venv -type f \( -name "*.pyi" -o -name "*.pyx" -o -name "*.pxd" -o -name "*.c" -o -name "*.h" \) -delete
COPY alembic.ini gunicorn.conf.py wsgi.py LICENSE SECURITY.md /opt/patchbay/
COPY app /opt/patchbay/app
COPY docs /opt/patchbay/docs
COPY migrations /opt/patchbay/migrations
COPY static /opt/patchbay/static
COPY templates /opt/patchbay/templates
RUN /opt/patchbay/venv/bin/python -m compileall -q /opt/patchbay/app /opt/patchbay/migrations /opt/patchbay/venv/lib

FROM ${BASE}
# The number is fixed, so that a volume's owner can be set from outside.
RUN groupadd --system --gid 10001 patchbay \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/patchbay --create-home \
    --shell /usr/sbin/nologin patchbay
COPY --from=build /opt/patchbay /opt/patchbay
WORKDIR /opt/patchbay
ENV PATH=/opt/patchbay/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENV=production \
    BIND_HOST=0.0.0.0 \
    PORT=8000 \
    INSTANCE_DIR=/var/lib/patchbay \
    LOG_FORMAT=json
USER 10001:10001
# Only the SQLite database is here. With PostgreSQL nothing is written but temporary files under /tmp.
VOLUME /var/lib/patchbay
EXPOSE 8000
# gunicorn finishes its calls after SIGTERM; give it more than its 65 seconds (docker stop --time 75).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "app.healthcheck"]
CMD ["gunicorn", "wsgi:app"]

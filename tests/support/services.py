"""Which real parts this machine has. REQUIRE_SERVICES=1 turns a missing one into a failure."""

import functools
import os
import shutil

import psycopg
import redis

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
# The product takes a Redis that is silent for a quarter of a second for away; here the machine is busy.
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15?socket_timeout=30")
_SERVER_PATH = os.environ.get("PATH", "") + ":/usr/sbin"
# The headless shell has no window of its own, and takes a third of the computing for the same page.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@functools.cache
def has_postgres() -> bool:
    try:
        psycopg.connect(POSTGRES, connect_timeout=20).close()
    except psycopg.Error:
        return False
    return True


@functools.cache
def has_redis() -> bool:
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=20).ping()
    except redis.RedisError:
        return False
    return True


@functools.cache
def chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def has_chromium() -> bool:
    return chromium() is not None


@functools.cache
def has_node() -> bool:
    return shutil.which("node") is not None and shutil.which("npm") is not None


@functools.cache
def has_promtool() -> bool:
    return shutil.which("promtool") is not None


def has_nginx() -> bool:
    return shutil.which("nginx", path=_SERVER_PATH) is not None


def has_caddy() -> bool:
    return shutil.which("caddy", path=_SERVER_PATH) is not None


def has_systemd_analyze() -> bool:
    return shutil.which("systemd-analyze") is not None


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


NEEDS = {
    "needs_postgres": has_postgres,
    "needs_redis": has_redis,
    "needs_chromium": has_chromium,
    "needs_node": has_node,
    "needs_promtool": has_promtool,
    "needs_nginx": has_nginx,
    "needs_caddy": has_caddy,
    "needs_systemd": has_systemd_analyze,
    "needs_wrk": has_wrk,
}
REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"

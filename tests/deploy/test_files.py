"""The files that hosts read agree with the product, as far as a machine without those hosts can tell."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from app import config
from tests.support.databases import ROOT
from tests.test_docs import settings_documented

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("hub", "migrate")
SECRETS = re.compile(r"SECRET|KEY|PASSWORD|TOKEN|_URL$")


def environment(service: str) -> dict[str, str]:
    return SERVICES[service].get("environment", {})


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_supervised_and_its_log_bounded(name):
    service = SERVICES[name]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"]


def test_only_the_proxy_is_reachable_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for name in ("db", "redis", "migrate"):
        assert SERVICES[name]["networks"] == ["back"]
    assert SERVICES["proxy"]["networks"] == ["front"]


def test_the_web_server_starts_after_the_migration_and_the_migration_after_the_database():
    conditions = {name: each["condition"] for name, each in SERVICES["hub"]["depends_on"].items()}
    assert conditions["migrate"] == "service_completed_successfully"
    assert conditions["db"] == conditions["redis"] == "service_healthy"
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["command"] == ["python", "-m", "alembic", "upgrade", "head"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_nothing_but_temporary_files_and_the_instance(name):
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["tmpfs"][0].startswith("/tmp:")
    assert environment(name)["INSTANCE_DIR"] == "/var/lib/patchbay"
    assert environment(name)["ENV"] == "production" and environment(name)["SANDBOX"] == "0"


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_env_and_every_setting_is_documented(name):
    for setting, value in environment(name).items():
        if SECRETS.search(setting) and setting != "REDIS_URL":
            assert re.search(r"\$\{[A-Z_]+:\?", value), f"{name}: {setting} must come from .env"
    named = set(re.findall(r"\$\{([A-Z_]+)", json.dumps(SERVICES[name])))
    of_ours = set(environment(name)) if name in OURS else set()
    assert named | of_ours <= settings_documented()


def test_the_three_lines_of_the_docs_make_an_env_that_production_accepts(tmp_path):
    page = (ROOT / "docs/deployment.md").read_text()
    lines = re.search(r"```\n(umask[^`]*?> \.env\n[^`]*?)```", page)
    assert lines, "docs/deployment.md shows how to make .env"
    subprocess.run(["bash", "-euc", lines[1].split("docker compose")[0]], cwd=tmp_path, check=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o077 == 0
    variables = dict(line.split("=", 1) for line in made.read_text().splitlines() if line)
    compose = re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "compose.yaml").read_text())
    assert set(compose) <= set(variables)
    fixed = {name: re.sub(r"\$\{.*?\}", "x", value) for name, value in environment("hub").items()}
    settings = config.load(variables | fixed)
    assert settings.production and settings.proxy_count == 1 and settings.mail_url


def test_a_container_has_time_to_finish_its_calls():
    server = (ROOT / "gunicorn.conf.py").read_text()
    graceful = int(re.search(r"^graceful_timeout = (\d+)", server, re.MULTILINE)[1])
    assert int(SERVICES["hub"]["stop_grace_period"].removesuffix("s")) > graceful
    unit = (ROOT / "deploy/patchbay.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1]) > graceful


def test_the_image_holds_what_runs_and_nothing_else():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == allowed
    assert all((ROOT / name).exists() for name in allowed)
    assert not allowed & {"tests", "bench", ".env", "instance", ".git"}


def test_the_image_has_every_file_that_the_application_reads():
    """/docs is rendered from them."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    inside = {name for line in copied for name in line.split()}
    read = re.compile(r"ROOT / \"([\w.-]+)\"")
    named = {name for path in (ROOT / "app").rglob("*.py") for name in read.findall(path.read_text())}
    assert {"docs", "SECURITY.md", "migrations", "static"} <= named
    assert named - {"app", "instance"} <= inside


@pytest.mark.needs_systemd
def test_the_systemd_unit_is_valid_and_hardened(tmp_path):
    unit = (ROOT / "deploy/patchbay.service").read_text()
    installed = tmp_path / "patchbay.service"
    python = shutil.which("true")
    installed.write_text(re.sub(r"/opt/patchbay/\.venv/bin/\w+", str(python), unit))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)], capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(installed)],
        capture_output=True,
        text=True,
    )
    assert exposure.returncode == 0, exposure.stdout


def test_heroku_and_render_migrate_before_they_serve_and_need_no_clock():
    procfile = dict(
        line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line.strip()
    )
    assert procfile == {"release": "python -m alembic upgrade head", "web": "gunicorn wsgi:app"}
    heroku = json.loads((ROOT / "app.json").read_text())
    assert set(heroku["formation"]) == {"web"}
    render = yaml.safe_load((ROOT / "render.yaml").read_text())
    [web] = [service for service in render["services"] if service["type"] == "web"]
    assert web["preDeployCommand"] == procfile["release"] and web["startCommand"] == procfile["web"]
    named = set(heroku["env"]) | {each["key"] for each in web["envVars"]} - {"PYTHON_VERSION"}
    assert named <= settings_documented()
    assert {"ENV", "PUBLIC_URL", "SECRET_KEY", "VAULT_KEYS", "MAIL_URL", "TRUSTED_PROXIES"} <= named

"""Each alert fires for its trouble and is silent when all is well, evaluated by Prometheus' own promtool."""

import json
import re
import urllib.request

import pytest
import yaml

from app import database, mail, metrics
from app.errors import ToolError, TooManyRequests
from app.usage import ledger
from app.usage.tiers import Limits
from app.vault import access
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.observability.promtool import RULES, firing, series_of
from tests.support.product import free_port
from tests.support.sources import ROOT
from tests.support.waiting import AT_MOST_SECONDS, until
from tests.vault.conftest import expire
from tests.vault.provider import status

GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
DASHBOARD = json.loads((ROOT / "deploy/grafana/patchbay.json").read_text())
MINUTES_20 = 80  # values, one per 15 seconds


def counters(name, **labels):
    pairs = ",".join(f'{label}="{text}"' for label, text in {"instance": "a", **labels}.items())
    return f"{name}{{{pairs}}}"


def steady(per_step, start=0):
    return f"{start}+{per_step}x{MINUTES_20}"


CALM = {
    'up{job="patchbay",instance="a"}': f"1x{MINUTES_20}",
    counters("patchbay_database_up"): f"1x{MINUTES_20}",
    counters("patchbay_unavailable_total", cause="database"): f"0x{MINUTES_20}",
    counters("patchbay_unavailable_total", cause="pool"): f"0x{MINUTES_20}",
    counters("patchbay_unhandled_errors_total"): f"0x{MINUTES_20}",
    counters("patchbay_tool_calls_total", tool="xero_list", outcome="ok"): steady(10),
    counters("patchbay_tool_calls_total", tool="xero_list", outcome="PROVIDER_ERROR"): steady(0),
    counters("patchbay_refreshes_total", service="xero", outcome="success"): steady(1),
    counters("patchbay_refreshes_total", service="xero", outcome="ended"): steady(0),
    counters("patchbay_refreshes_total", service="xero", outcome="misconfigured"): steady(0),
    counters("patchbay_refreshes_total", service="xero", outcome="unreachable"): steady(0),
    counters("patchbay_upstream_errors_total", service="xero", kind="server_error"): steady(0),
    counters("patchbay_upstream_errors_total", service="xero", kind="client_error"): steady(5),
    counters("patchbay_upstream_seconds_count", service="xero"): steady(10),
    counters("patchbay_upstream_seconds_bucket", service="xero", le="2.5"): steady(10),
    counters("patchbay_upstream_seconds_bucket", service="xero", le="10"): steady(10),
    counters("patchbay_upstream_seconds_bucket", service="xero", le="+Inf"): steady(10),
    counters("patchbay_connections", service="xero", state="connected"): f"10x{MINUTES_20}",
    counters("patchbay_connections", service="xero", state="reconnect_needed"): f"1x{MINUTES_20}",
    counters("patchbay_db_pool_in_use", pool="main"): f"3x{MINUTES_20}",
    counters("patchbay_db_pool_limit", pool="main"): f"32x{MINUTES_20}",
    counters("patchbay_calls_waiting"): f"2x{MINUTES_20}",
    counters("patchbay_mail_failing"): f"0x{MINUTES_20}",
    counters("patchbay_mails_total", outcome="failed"): steady(0),
    counters("patchbay_approvals_oldest_seconds"): f"600x{MINUTES_20}",
    counters("patchbay_limits_hit_total", kind="calls_per_minute"): steady(1),
    counters("patchbay_sign_ins_failed_total", how="password"): f"0+0.2x{MINUTES_20}",
}
# Per alert: what differs from a calm quarter of an hour, and nothing else may fire.
TROUBLE = {
    "PatchbayDown": {'up{job="patchbay",instance="a"}': "1x40 0x40"},
    "PatchbayNotReady": {counters("patchbay_database_up"): "1x40 0x40"},
    "PatchbayUnavailable": {counters("patchbay_unavailable_total", cause="database"): steady(1)},
    "PatchbayErrors": {counters("patchbay_unhandled_errors_total"): f"0x40 0+1x{MINUTES_20}"},
    "PatchbayToolCallsFail": {
        counters("patchbay_tool_calls_total", tool="xero_list", outcome="PROVIDER_ERROR"): steady(5)
    },
    "PatchbayServiceRefusesRefreshes": {
        counters("patchbay_refreshes_total", service="xero", outcome="misconfigured"): steady(2)
    },
    "PatchbayRefreshesFail": {
        counters("patchbay_refreshes_total", service="xero", outcome="unreachable"): steady(1)
    },
    "PatchbayUpstreamErrors": {
        counters("patchbay_upstream_errors_total", service="xero", kind="server_error"): steady(3)
    },
    "PatchbayUpstreamSlow": {
        counters("patchbay_upstream_seconds_bucket", service="xero", le="2.5"): steady(5)
    },
    "PatchbayConnectionsBroken": {
        counters("patchbay_connections", service="xero", state="reconnect_needed"): f"9x{MINUTES_20}"
    },
    "PatchbayPoolExhausted": {counters("patchbay_db_pool_in_use", pool="main"): f"3x40 32x{MINUTES_20}"},
    "PatchbayQueueLong": {counters("patchbay_calls_waiting"): f"2x40 30x{MINUTES_20}"},
    "PatchbayMailFailing": {counters("patchbay_mail_failing"): f"0x30 1x{MINUTES_20}"},
    "PatchbayJobOverdue": {counters("patchbay_job_overdue", task="reminders"): f"0x30 1x{MINUTES_20}"},
    "PatchbayApprovalsStuck": {counters("patchbay_approvals_oldest_seconds"): f"14000+15x{MINUTES_20}"},
    "PatchbayLimitStorm": {counters("patchbay_limits_hit_total", kind="calls_per_minute"): steady(60)},
    "PatchbaySignInsFail": {counters("patchbay_sign_ins_failed_total", how="password"): steady(3)},
}
WITHOUT_GAUGE = {  # the second half of a rule with two
    "PatchbayPoolExhausted": {counters("patchbay_unavailable_total", cause="pool"): f"0x60 1x{MINUTES_20}"},
    "PatchbayMailFailing": {counters("patchbay_mails_total", outcome="failed"): steady(1)},
}


@pytest.mark.needs_promtool
def test_when_all_is_well_nothing_fires(tmp_path):
    assert firing(tmp_path, CALM, "18m") == set()


@pytest.mark.needs_promtool
@pytest.mark.parametrize(
    ("alert", "trouble"),
    [*TROUBLE.items(), *WITHOUT_GAUGE.items()],
    ids=[*TROUBLE, *(f"{each} without the gauge" for each in WITHOUT_GAUGE)],
)
def test_each_alert_fires_for_its_trouble_and_no_other_does(tmp_path, alert, trouble):
    assert firing(tmp_path, CALM | trouble, "18m") == {alert}


def test_every_alert_was_fired_and_says_what_to_do():
    assert set(TROUBLE) == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, name
        assert set(rule["annotations"]) == {"summary", "runbook"}, name


def expressions_of_the_dashboard():
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def metrics_in(expressions):
    return {name for expression in expressions for name in re.findall(r"\bpatchbay_\w+", expression)}


@pytest.mark.slow
def test_every_metric_that_alerts_and_dashboard_name_is_served_by_the_running_product(product):
    """Two worker processes, whose counts are added up."""
    named = metrics_in([*expressions_of_the_dashboard(), *(rule["expr"] for rule in ALERTS.values())])
    assert len(named) > 15
    # The first tool call creates these (tests/observability/test_metrics.py).
    named -= {f"patchbay_tool_call{rest}" for rest in ("s_total", "_seconds_bucket")}

    def missing():
        with urllib.request.urlopen(product.url + "/metrics", timeout=AT_MOST_SECONDS) as answer:
            text = answer.read().decode()
        return named - set(re.findall(r"^(patchbay_\w+)[{ ]", text, re.MULTILINE))

    until(lambda: not missing())  # those of background jobs come a little later


def test_the_dashboard_covers_every_metric_of_ours(app):
    declared = set(
        re.findall(r"^# TYPE (patchbay_\w+)", app.test_client().get("/metrics").text, re.MULTILINE)
    )
    declared = {name for name in declared if not name.endswith("_created")}
    covered = metrics_in([*expressions_of_the_dashboard(), *(rule["expr"] for rule in ALERTS.values())])
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) for name in covered}
    assert {name for name in declared if name.removesuffix("_total") in stems or name in stems} == declared


def test_every_panel_has_a_title_a_unit_and_the_chosen_data_source():
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in panels:
        assert panel["title"] and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.needs_promtool
class TestRealFailures:
    """Real failures move real metrics, and those satisfy the rule."""

    @pytest.fixture
    def fires(self, app, tmp_path):
        """`fires(step)`: the alerts after twenty minutes in each of which `step(minute)` happened."""

        def _fires(step):
            scrapes = []
            for minute in range(20):
                step(minute)
                scrapes.append(app.test_client().get("/metrics").text)
            return firing(tmp_path, series_of(scrapes, instance="a"), "19m", interval="1m")

        return _fires

    def test_a_service_whose_client_was_revoked(self, connect, provider, settings, fires):
        connection = connect()

        def step(minute):
            if minute >= 14:
                provider.faults = [status(401, {"error": "invalid_client"}, "application/json")]
                expire(connection)
                with database.transaction() as db:
                    db.get(Credential, connection.id).cooldown_until = None
                with pytest.raises(ToolError):
                    TokenVault(settings, connection).bearer()

        assert fires(step) == {"PatchbayServiceRefusesRefreshes"}

    def test_a_service_that_answers_500(self, connect, provider, settings, fires):
        connection = connect()
        api = access.open_api(settings, connection)

        def step(_minute):
            for _ in range(4):
                provider.api_faults = [status(500)]
                with pytest.raises(ToolError):
                    api.request("GET", "/me")

        assert fires(step) == {"PatchbayUpstreamErrors"}

    def test_a_workspace_that_floods(self, people, fires):
        def step(_minute):
            for _ in range(90):
                with pytest.raises(TooManyRequests):
                    ledger.admit(people.northwind.id, Limits(per_minute=0, per_day=None))

        assert fires(step) == {"PatchbayLimitStorm"}

    def test_mail_that_no_server_takes(self, fires):
        mailer = mail.Mailer(f"smtp://127.0.0.1:{free_port()}", "hub@example.com", None, pauses=())
        failed = metrics.MAILS.labels("failed")._value.get

        def step(minute):
            if minute >= 10:
                before = failed()
                mailer.send("kim@example.com", "Hello", "Hello")
                until(lambda: failed() > before)

        assert fires(step) == {"PatchbayMailFailing"}

    def test_a_defect_of_ours(self, app, fires):
        app.add_url_rule("/defect", view_func=lambda: 1 / 0)

        def step(minute):
            if minute >= 10:
                assert app.test_client().get("/defect").status_code == 500

        assert fires(step) == {"PatchbayErrors"}


@pytest.mark.needs_promtool
class TestWithoutADatabase:
    @pytest.fixture
    def environ(self, environ):
        return environ | {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none"}

    def test_not_ready_and_unavailable(self, app, tmp_path):
        scrapes = []
        for _ in range(10):
            for _ in range(4):
                assert app.test_client().get("/oauth/authorize?client_id=x").status_code == 503
            scrapes.append(app.test_client().get("/metrics").text)
        series = series_of(scrapes, instance="a")
        assert firing(tmp_path, series, "9m", interval="1m") == {"PatchbayNotReady", "PatchbayUnavailable"}

"""The services of a workspace: composed once, cheap for those who have none of their own."""

import dataclasses
import sys

import pytest

from app.connectors import services
from app.connectors.connector import Planned
from app.connectors.services import services_of
from app.errors import NotFound
from tests.services import stock
from tests.support.catalogue import install, sourced_from

OURS = "wsp_ours"


@pytest.fixture
def own():
    return stock.OwnServices()


@pytest.fixture
def source(own):
    with sourced_from(own):
        yield own


def declare(**changed):
    return stock.connector("https://stock.example", OURS, **changed)


def test_a_workspace_without_its_own_has_the_installations_very_object(source):
    assert services_of("wsp_any") is services_of(None)
    source.rows[OURS] = (declare(),)
    assert services_of("wsp_any") is services_of(None)


def test_they_stand_behind_the_installations_and_are_composed_once(source):
    [ours] = source.rows[OURS] = (declare(),)
    known = services_of(OURS)
    assert (known.catalogue[:-1], known.catalogue[-1], known.own) == (
        services_of(None).catalogue,
        ours,
        (ours,),
    )
    assert known.find_tool("stock_add_item") == (ours, stock.ADD)
    source.rows[OURS] = (ours, *())
    assert services_of(OURS) is known, "another tuple of the same objects"
    source.rows[OURS] = (dataclasses.replace(ours, name="Renamed"),)
    assert services_of(OURS).get("stock").name == "Renamed"
    source.rows.clear()
    assert services_of(OURS) is services_of(None)


def test_an_unknown_or_planned_service_is_not_found(monkeypatch):
    install(Planned("later", "Later", "Not yet"), monkeypatch=monkeypatch)
    for slug in ("nothing", "later"):
        assert services_of(None).find(slug) is None
        with pytest.raises(NotFound):
            services_of(None).get(slug)
    assert services_of(None).find_entry("later").name == "Later"


def test_the_installations_service_wins_a_slug(source, caplog):
    source.rows[OURS] = (declare(slug="xero", name="Not Xero"), declare())
    assert services_of(OURS).get("xero") is services_of(None).get("xero")
    assert services_of(OURS).get("stock") and "has a service xero already" in caplog.text


def test_a_taken_tool_name_drops_that_tool_alone(source, caplog):
    twin = dataclasses.replace(stock.ADD, description="The second of one name.")
    source.rows[OURS] = (declare(tools=(stock.LIST, stock.ADD, twin)),)
    assert services_of(OURS).get("stock").tools == (stock.LIST, stock.ADD)
    assert "1 tools of stock" in caplog.text
    named_as_ours = dataclasses.replace(stock.ADD, verb="list_invoices")
    object.__setattr__(named_as_ours, "name_in", lambda slug: "xero_list_invoices")
    source.rows[OURS] = (declare(tools=(stock.LIST, named_as_ours)),)
    assert services_of(OURS).get("stock").tools == (stock.LIST,)
    assert services_of(OURS).find_tool("xero_list_invoices")[0].slug == "xero"


def test_a_source_adds_tools_to_a_service_of_the_installation_in_its_workspace_alone(source):
    xero = services_of(None).get("xero")
    more = dataclasses.replace(xero, extends=xero, tools=(*xero.tools, stock.ADD))
    source.rows[OURS] = (more, declare())
    known = services_of(OURS)
    assert known.get("xero") is more and known.find_tool("xero_add_item") == (more, stock.ADD)
    assert [each.slug for each in known.catalogue[:-1]] == [each.slug for each in services_of(None).catalogue]
    assert [each.slug for each in known.own] == ["stock"], "it stays the installation's"
    assert services_of("wsp_any").find_tool("xero_add_item") is None


def test_more_tools_never_replace_one_that_is_there(source):
    xero = services_of(None).get("xero")
    twin = dataclasses.replace(stock.ADD, verb="list_invoices")
    source.rows[OURS] = (dataclasses.replace(xero, extends=xero, tools=(*xero.tools, twin)),)
    assert services_of(OURS).get("xero").tools == xero.tools
    of_another = dataclasses.replace(xero, extends=declare(slug="xero"), tools=(stock.ADD,))
    source.rows[OURS] = (of_another,)
    assert services_of(OURS).get("xero") is xero


def test_a_source_that_fails_takes_nothing_from_the_others(source, caplog):
    source.rows[OURS] = (declare(),)
    second = stock.OwnServices({OURS: (declare(slug="second"),)}, RuntimeError("broken"))
    with sourced_from(source, second):
        assert [each.slug for each in services_of(OURS).own] == ["stock"]
        assert "could not be read from OwnServices" in caplog.text
        second.failure = None
        assert [each.slug for each in services_of(OURS).own] == ["stock", "second"]
        second.failure = RuntimeError("broken again")
        assert [each.slug for each in services_of(OURS).own] == ["stock", "second"], "its last answer stands"
        assert services_of("wsp_any") is services_of(None)
    assert [each.slug for each in services_of(OURS).own] == ["stock"]


def test_a_source_cannot_give_one_workspace_the_service_of_another(source, caplog):
    source.rows["wsp_other"] = (declare(),)
    assert services_of("wsp_other").own == () and services_of("wsp_other").find("stock") is None
    assert "was offered to wsp_other" in caplog.text


def test_what_is_remembered_is_bounded(source, monkeypatch):
    monkeypatch.setattr(services, "_MOST_COMPOSED", 5)
    for number in range(20):
        workspace_id = f"wsp_{number}"
        source.rows[workspace_id] = (stock.connector("https://stock.example", workspace_id),)
        assert len(services_of(workspace_id).own) == 1
    assert len(services._composed) <= 5


def test_a_thousand_services_elsewhere_cost_a_call_nothing(source):
    def steps():
        counted = []
        sys.setprofile(lambda frame, event, argument: counted.append(event))
        try:
            services_of("wsp_any").find_tool("xero_list_invoices")
        finally:
            sys.setprofile(None)
        return len(counted)

    before = steps()
    for number in range(1_000):
        source.rows[f"wsp_{number}"] = (stock.connector("https://stock.example", f"wsp_{number}"),)
        services_of(f"wsp_{number}")
    assert steps() == before

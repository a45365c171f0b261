"""Where somebody arrives who has connected a server: at what they can decide, unless an AI client waits."""

from tests.federation.walking import Walk
from tests.support.ai_client import AiClient

REVIEW = "/integrations/servers/site"


def test_an_admin_arrives_at_the_tools_that_wait(walk, oauth_site):
    arrived = walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    assert arrived.request.path == REVIEW
    assert "Site connected" in arrived.text and "Waiting for review" in arrived.text


def test_once_nothing_waits_the_hub_is_next(walk, oauth_site):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    walk.allow_tools("site")
    assert walk.connect("site").request.path == "/integrations"


def test_a_member_who_cannot_decide_arrives_at_the_hub(walk, oauth_site, people, sign_in):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    bob = Walk(sign_in(people.bob), "http://localhost:8000")
    arrived = bob.connect("site", visibility="personal")
    assert arrived.request.path == "/integrations" and "Site connected" in arrived.text


def test_an_ai_client_that_waits_comes_first(walk, oauth_site, app):
    walk.add(f"{oauth_site.server.url}/mcp", name="Site")
    client = AiClient(app)
    client.register()
    flow_id = client.allow(walk.person)
    walk.get(f"/integrations?flow={flow_id}")
    arrived = walk.arrive(walk.post("/integrations/site", {"flow": flow_id}))
    assert arrived.request.path == "/integrations" and arrived.request.args["flow"] == flow_id
    assert f'href="{REVIEW}"' in arrived.text, "the banner leads there"


def test_a_server_is_named_as_its_resource_metadata_names_it(walk, oauth_site):
    oauth_site.resource = {"resource_name": "Site of\u200b Records"}
    walk.look(f"{oauth_site.server.url}/mcp")
    assert walk.value_of("name") == "Site of Records"

"""From a chat to a service that takes a key, and back: nothing but what the person sees and what the AI
client gets.
"""

import re

import pytest

from tests.support.sdk_client import PythonClient

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]


def test_services_connected_by_a_form_work_in_the_chat(product, arrive):
    anna = arrive()
    client = PythonClient(
        product.mcp_url, lambda url: anna.authorize(url, connect=("Stripe", "ServiceFusion"))
    )
    with client.connected():
        balance = client.call("stripe_get_balance")
        assert (
            balance["data"]["available"] == [{"amount": "1250.00", "currency": "USD"}]
            and "Byrd Ltd (test mode)" in balance["message"]
        )
        assert client.call("servicefusion_list_jobs", status="Scheduled")["data"]["items"]
        refused = client.call("stripe_create_customer", name="Never")
        assert refused["error"]["code"] == "PERMISSION_DENIED"
        anna.go("/integrations")
        anna.permit("Stripe", "Read and write")
        made = client.call("stripe_create_customer", name="Allowed")
        assert made["success"], made


def test_a_link_from_the_chat_leads_to_the_form_without_javascript(product, arrive):
    anna = arrive(javascript=False)
    client = PythonClient(product.mcp_url, anna.authorize)
    with client.connected():
        answer = client.call("stripe_list_customers")
        [url] = re.findall(r"http://\S+/integrations/connect/\S+", answer["error"]["message"])
        anna.page.goto(url)
        anna.button("Connect Stripe").click()
        anna.page.get_by_label("Restricted API key").fill("rk_test_sandbox_harbour")
        anna.button("Connect Stripe").click()
        anna.sees("Stripe connected: Harbour Kiosk KK (test mode)")
        assert client.call("stripe_list_customers")["data"]["items"]

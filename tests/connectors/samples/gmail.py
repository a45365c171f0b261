"""Arguments with which each Gmail tool works on the demo mailbox of Northwind Trading."""


def message(here, query):
    return here.call("search_messages", {"query": query, "max_results": 1})["items"][0]


def draft(here):
    return here.call("create_draft", {"to": ["jo@acme.example"], "subject": "Hello", "body": "A draft."})


SAMPLES = {
    "search_messages": lambda here: {"query": "from:acme newer_than:365d", "max_results": 5},
    "get_message": lambda here: {"message_id": message(here, "from:ritter")["id"]},
    "get_thread": lambda here: {"thread_id": message(here, "subject:payment")["thread_id"], "format": "full"},
    "list_attachments": lambda here: {"message_id": message(here, "from:ritter")["id"]},
    "download_attachment": lambda here: {
        "message_id": message(here, "from:bank")["id"],
        "filename": "statement.csv",
    },
    "search_invoices": lambda here: {
        "from": "birch",
        "text": "invoice",
        "since": "2020-01-01",
        "max_results": 5,
    },
    "list_labels": lambda here: {},
    "create_draft": lambda here: {
        "to": ["Jo Acme <jo@acme.example>"],
        "cc": ["ap@northwind.example"],
        "body": "<p>Thank you</p>",
        "body_type": "html",
        "reply_to_message_id": message(here, "subject:payment from:jo")["id"],
    },
    "send_message": lambda here: {"to": ["jo@acme.example"], "subject": "Grüße", "body": "Hello"},
    "send_draft": lambda here: {"draft_id": draft(here)["draft_id"]},
    "modify_labels": lambda here: {
        "message_id": message(here, "from:bank")["id"],
        "add_label_ids": ["STARRED"],
    },
}

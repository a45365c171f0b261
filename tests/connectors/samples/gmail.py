"""Arguments with which each Gmail tool works on the demo mailbox of Northwind Trading."""


def message(here, query):
    return here.call("search_messages", {"query": query, "max_results": 1})["items"][0]


def draft(here):
    return here.call("create_draft", {"to": ["jo@acme.example"], "subject": "Hello", "body": "A draft."})


SAMPLES = {
    "search_messages": lambda here: {"query": "from:acme newer_than:365d", "max_results": 5},
    "search_messages#2": lambda here: {
        "query": "has:attachment",
        "max_results": 2,
        "page_token": here.call("search_messages", {"query": "has:attachment", "max_results": 2})["next"],
        "label_ids": ["INBOX"],
        "include_spam_trash": True,
    },
    "get_message": lambda here: {"message_id": message(here, "from:ritter")["id"]},
    "get_thread": lambda here: {"thread_id": message(here, "subject:payment")["thread_id"], "format": "full"},
    "get_message#2": lambda here: {"message_id": message(here, "from:ritter")["id"], "format": "metadata"},
    "get_message#3": lambda here: {"message_id": message(here, "from:legal")["id"], "body_offset": 40_000},
    "get_thread#2": lambda here: {"thread_id": message(here, "from:legal")["thread_id"]},
    "list_attachments": lambda here: {"message_id": message(here, "from:ritter")["id"]},
    "download_attachment": lambda here: {
        "message_id": message(here, "from:bank")["id"],
        "filename": "statement.csv",
    },
    "download_attachment#2": lambda here: {
        "message_id": message(here, "from:scanner")["id"],
        "part_id": "1",
        "offset": 3,
        "length": 300,
        "as_base64": True,
    },
    "search_invoices": lambda here: {
        "from": "birch",
        "text": "invoice",
        "since": "2020-01-01",
        "max_results": 5,
    },
    "search_invoices#2": lambda here: {
        "until": "2100-01-01",
        "max_results": 1,
        "page_token": here.call("search_invoices", {"until": "2100-01-01", "max_results": 1})["next"],
    },
    "list_labels": lambda here: {},
    "create_draft": lambda here: {
        "to": ["Jo Acme <jo@acme.example>"],
        "cc": ["ap@northwind.example"],
        "body": "<p>Thank you</p>",
        "body_type": "html",
        "reply_to_message_id": message(here, "subject:payment from:jo")["id"],
    },
    "create_draft#2": lambda here: {
        "to": ["Doe, John <jo@acme.example>", "a@acme.example; b@acme.example"],
        "bcc": ["ap@northwind.example"],
        "subject": "Größe",
        "body": "Hello",
    },
    "send_message": lambda here: {"to": ["jo@acme.example"], "subject": "Grüße", "body": "Hello"},
    "send_draft": lambda here: {"draft_id": draft(here)["draft_id"]},
    "modify_labels": lambda here: {
        "message_id": message(here, "from:bank")["id"],
        "add_label_ids": ["STARRED"],
    },
    "modify_labels#2": lambda here: {
        "message_id": message(here, "from:bank")["id"],
        "add_label_ids": ["Label_7"],
        "remove_label_ids": ["UNREAD", "STARRED"],
    },
}

# Members without which an answer is of no use: ids, and the file that was asked for.
REQUIRED = {"id", "data", "payload.parts[].body.attachmentId"}
# Without them a draft has no recipients, and a label is unknown.
PREVIEWS_REQUIRE = frozenset(
    {"message.payload.headers[].name", "message.payload.headers[].value", "labels[].id"}
)

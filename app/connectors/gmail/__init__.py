"""Gmail: search email, read it, fetch invoices from it, write and send.

Start with `reading.py`, then `mime.py` (parsing a message) and `composing.py` (writing one), `previews.py`.

Decided:
- For writing it requests one scope, `gmail.modify`: the smallest that covers all tools, as only it changes
  labels, and it includes reading, drafts and sending. For reading only, `gmail.readonly`.
- Google's `sub` identifies the account; the address is only its name.
- Message and part identify an attachment: Gmail's attachment ids change with every fetch.
"""

from app.connectors import google
from app.connectors.connector import Connector
from app.connectors.gmail.account import identify
from app.connectors.gmail.attachments import download_attachment, list_attachments
from app.connectors.gmail.errors import read_error
from app.connectors.gmail.invoices import search_invoices
from app.connectors.gmail.labels import list_labels, modify_labels
from app.connectors.gmail.reading import get_message, get_thread, search_messages
from app.connectors.gmail.scopes import MODIFY, READONLY
from app.connectors.gmail.sending import create_draft, send_draft, send_message

CONNECTOR = Connector(
    slug="gmail",
    name="Gmail",
    summary="Search emails and download invoices",
    category="Email and documents",
    base_url="https://gmail.googleapis.com",
    auth=google.consent(read=(READONLY,), write=(MODIFY,)),
    identify=identify,
    tools=(
        search_messages,
        get_message,
        get_thread,
        list_attachments,
        download_attachment,
        search_invoices,
        list_labels,
        create_draft,
        send_message,
        send_draft,
        modify_labels,
    ),
    read_error=read_error,
    badge=google.BADGE,
    personal=True,
    help_url="https://support.google.com/mail/answer/7190",
    operator_note=google.RESTRICTED.format(scopes="All scopes that read mail are"),
)

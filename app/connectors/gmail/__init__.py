"""Gmail: search mail, read it, fetch invoices from it, write and send.

Start reading in `reading.py`, then `mime.py` (a message taken apart) and `composing.py` (one put together).

Decided:
- For writing one scope is asked for, `gmail.modify`: it is the least that covers all tools, since only it
  changes labels, and it includes reading, drafts and sending. For reading only, `gmail.readonly`.
- The account is known by Google's `sub`; the address is only its name.
- An attachment is named by message and part: Gmail's attachment ids change with every fetch.
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
)

"""Gmail's OAuth scopes, and which of them a tool can work with.

Google's consent page lets the person untick scopes, so the requested ones prove nothing: each tool names the
scopes of which any one is enough.
https://developers.google.com/workspace/gmail/api/auth/scopes
"""

from app.connectors.google import PREFIX

READONLY = PREFIX + "gmail.readonly"
COMPOSE = PREFIX + "gmail.compose"
SEND = PREFIX + "gmail.send"
MODIFY = PREFIX + "gmail.modify"
EVERYTHING = "https://mail.google.com/"

TO_READ = (READONLY, MODIFY, EVERYTHING)
TO_DRAFT = (COMPOSE, MODIFY, EVERYTHING)
TO_SEND = (SEND, COMPOSE, MODIFY, EVERYTHING)
TO_LABEL = (MODIFY, EVERYTHING)

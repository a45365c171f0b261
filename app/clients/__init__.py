"""The pages of AI clients: how to connect each, what has access and to what, and what went wrong in between.

May import everything up to `mcp_server`. Start reading in `guides.py` for `/ai-clients`, in `client_page.py`
for the page of one client.

Decided:
- A guide is data: steps, snippets and links built from the one address. The tests run what a person pastes
  with the real client, where that can be installed.
- A snippet holds a token only right after that was generated, on the one page that displays it. Programs and
  commands read it from the environment, so that they can be shared without it.
- A row is a client, however often it signed in, so its grants share one selection. A preset is computed from
  what is connected; what is stored is the selection alone.
- "Connected" means that this person's client got a token or used one; it is read from grants, so it is true
  on every host.
- The doctor reads the authorization server's attempt log. Steps before the sign-in belong to nobody; they are
  displayed to whoever has the same address, since a person's client mostly runs on their machine.
- Owners and admins see, narrow and revoke what all members gave; a member, their own. Nobody sees another
  person's personal connections here: those stay selected as they were.
"""

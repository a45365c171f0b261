"""The MCP endpoint: the official SDK's server, run in the request's own thread.

May import: the floor, `web`, `workspaces`, `connectors`, `vault`, `oauth_server`, `usage`, `activity`,
`approvals`, `memory`, `federation`. Never `hub`. Start reading in `routes.py`, then `server.py`: the SDK's
server with our handlers. `authentication.py` turns a bearer token into a caller, `toolbox.py` lists tools,
`account_choice.py` chooses connection and business, `service_offers.py` says what can be connected,
`envelope.py` is the answer of every call, `tool_result.py` and `tool_list.py` are the results of the two
requests there are most of. `server_contents.py` has the resources and prompts of MCP servers.

- `protocol/` is MCP over HTTP: checks, revisions, sessions, streams, elicitation. It imports nothing of the
  product.
- `tools/` has the built-in tools and how one is declared (`spec.py`); those of `app/memory` and `app/admin`
  join them.
- `calls/` takes one call from its parameters to its stored outcome: start in `invoker.py`.

Decided:
- The protocol is the SDK's: we run its `ServerRunner` once per request, by stepping the coroutine in
  the request's thread. Handlers are synchronous inside and never wait; `run_to_end` raises when one does.
- The results of tools/call and tools/list are JSON when they leave the handler (`protocol/direct.py`): made
  by typed code, they need no validation. They are byte for byte what the SDK would send
  (tests/support/both_ways.py). Questions, sealed states and what a service sent beside its data stay the
  SDK's.
- A list of tools is kept under all that it depends on, which each request reads anew (`tool_list.py`): no
  right is remembered.
- Nothing is stored between requests, in memory or by affinity. The handshake's session id is signed and
  holds what was negotiated; state that the client carries is sealed; a client's reply reaches the worker that
  waits for it through a database row or Redis.
- `protocol/` knows nothing of bearers, workspaces or tools, so the official conformance suite runs on the
  very
  same adapter (tests/mcp_server/conformance_app.py).
- Only a request that may send something before its result gets a helper thread and a stream.
- A call that contacts a service holds one of its workspace's permits (`calls/concurrency.py`), since it may
  occupy a
  thread for a minute. Waiting for a permit takes a thread too, so a process has three times `WEB_THREADS`: a
  legitimate burst waits and is served completely, and a flood leaves threads to other workspaces. Tools that
  contact no service (`open_world=False`) need no permit.
- What an MCP server asks reaches the person in the revision of the AI client (`calls/server_questions.py`).
  Only where a server waits on its stream and a client does not, the call is parked in a thread: a few at
  once, five minutes at most.
- `notifications/cancelled` is acknowledged and not acted on: a client cancels by closing the stream,
  which is noticed within a second.
- Lists are never announced as changed; they carry a short `ttlMs` instead.
- A tool of a broken connection stays listed, since calling it leads to the prompt to reconnect.
- Compact mode is a second server over the same toolbox, selected by the address, so that nothing has to be
  stored
  between requests. Its `call_*` tools forward the call inside `calls/invoker.py`: one path, one set of rules.
- The businesses of a connection are fetched from the service when one is chosen, when it refuses a call in
  one, and when the connection is tested; a choice it no longer lists is dropped then.
"""

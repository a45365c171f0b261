"""The MCP endpoint: the official SDK's server driven from the request's own thread.

May import: the floor, `web`, `workspaces`, `connectors`, `vault`, `oauth_server`, `usage`, `memory`. Never
`hub`. Start reading in `routes.py`, then `transport.py`: what is HTTP. `generations.py` tells the two
protocol generations apart, `dispatch.py` is a request under way, `streaming.py` its stream. What is Patchbay
begins in `server.py`: `toolbox.py` lists, `invoke.py` calls, `way_back.py` helps. Tools of ours are declared
in `builtin.py`, `active_business.py`, `summaries.py`, `debugging.py` and `app/memory/tools.py`.

Decided:
- The protocol is the SDK's: we run its `ServerRunner` once a request, by stepping the coroutine in
  the request's thread. Handlers are synchronous inside and never wait; `run_to_end` is loud when one does.
- Nothing is kept between requests, in memory or by affinity. The handshake's session id is signed and
  holds what was settled; a state the client carries is sealed; a client's reply meets the worker that
  asked through a database row or Redis.
- `transport.py` and what it imports know nothing of bearers, workspaces or tools, so the official
  conformance suite runs on the very same adapter (tests/mcp_server/conformance_app.py).
- Only a request that may have something to say before its result gets a helper thread and a stream.
- A call that asks a service holds one of its workspace's turns (`turns.py`), since it may hold a thread for a
  minute. Waiting for one takes a thread too, so a process has three times `WEB_THREADS`: an honest burst
  waits and is served whole, and a flood leaves threads to the others. Tools that ask nobody
  (`open_world=False`) need no turn.
- `notifications/cancelled` is acknowledged and not acted on: a client cancels by closing the stream,
  which is noticed within a second.
- Lists are never announced as changed; they carry a short `ttlMs` instead.
- A tool of a broken connection stays listed, since calling it is the way back.
- Compact mode is a second server over the same toolbox, chosen by the address, so that nothing has to be kept
  between requests. Its `call_*` tools hand the call on inside `invoke.py`: one path, one set of rules.
- Which businesses a connection reaches is asked of the service when one is chosen, when it refuses a call in
  one, and when the connection is tested; a choice it no longer lists is dropped then.
"""

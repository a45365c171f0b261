"""The whole house, for operators: pages under `/admin`, and the tools of an operator's API key.

May import everything. Start reading in `guard.py`, then `routes.py`; `queries.py` is the one place whose
queries cross workspaces, each with `unsafe` in its name.

Decided:
- An operator is a person, not a member: the guard asks for the person's right at every request and for no
  workspace. To everybody else these addresses do not exist (404, the same for every id); anonymous visitors
  sign in first.
- What keeps somebody out, gives rights or touches secrets needs a sign-in of the last half hour. Changing a
  tier or a limit, ending sessions and revoking a key do not: they harm nobody and are undone here.
- Disabling a person ends what they gave AI clients for good; enabling lets them sign in again and brings no
  token back.
- A deactivated workspace keeps everything and lets nobody in; its people see why. Its data is deleted by its
  owners only.
- Blocking an AI client deletes nothing, so unblocking brings it back as it was.
- Connector apps lie over the environment (`live_settings.py`): in memory, read again when two seconds old, so
  the way of a call gains no query and every process follows within seconds. A service no longer offered
  cannot be connected anew; connections that exist go on, since they belong to the workspaces.
- An API key belongs to the operator who made it and dies with that right. It acts in one workspace at a time,
  kept on its grant, so every host agrees; it sees shared connections only, and the workspace's trail says who
  came.
- The workers shown on the health page are those of the machine that drew it; no table of processes is kept.
"""

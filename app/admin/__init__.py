"""The administration, for operators: pages under `/admin`, and the tools of an operator's API key.

May import everything. Start reading in `guard.py`, then `routes.py`; `queries.py` is the one place whose
queries cross workspaces, each with `unsafe` in its name.

Decided:
- An operator is a person, not a member: the guard checks the person's right on every request and needs no
  workspace. For everybody else these addresses do not exist (404, the same for every id); anonymous visitors
  sign in first.
- Whatever keeps somebody out, grants rights or touches secrets needs a sign-in within the last half hour.
  Changing a
  tier or a limit, ending sessions and revoking a key do not: they harm nobody and can be undone here.
- Disabling a person ends what they gave AI clients for good; enabling lets them sign in again and restores no
  token.
- A deactivated workspace retains everything and lets nobody in; its people see why. Only its owners delete
  its
  data.
- Blocking an AI client deletes nothing, so unblocking restores it as it was.
- Connector apps override the environment (`live_settings.py`): in memory, read again after two seconds, so a
  tool call gains no query and every process follows within seconds. A service no longer offered cannot be
  connected anew; existing connections stay, since they belong to the workspaces.
- An API key belongs to the operator who created it and ends with that right. It acts in one workspace at a
  time,
  stored on its grant, so every host agrees; it sees shared connections only, and the workspace's audit trail
  records who came.
- The health page lists the workers of the machine that renders it; there is no table of processes.
"""

"""The people of a workspace: inviting by mail, roles, removing and leaving.

May import everything up to `identity_exchange`. Start reading in `members.py`, then `invitations.py`
(sending) and `acceptance.py` (joining). `access_removal.py` defines what ends when somebody goes. `routes.py`
has the pages for members, `invitation_routes.py` those for invited people. `app.account_settings` calls
`members.leave_all` and `sole_ownerships` when an account is deleted.

Decided:
- Changing who belongs to a workspace locks the workspace's row and then reads both people's rights again. So
  there is always an owner, even with concurrent changes; a disabled owner does not count as one.
- An invitation names a role below owner: only an owner with a recent sign-in makes another owner.
- Opening an invitation link changes nothing, because mail scanners open links too; a button joins. A link is
  valid for one address. Only a digest of its token is stored; during sign-in the browser keeps the token in
  its own cookie.
- Somebody new creates an account through the invitation and is in: no company is created. A mailed code still
  proves the address, because a link is forwarded more easily than a code, and because the page must look the
  same for an address that has an account.
- Somebody who is removed, or may no longer invite, loses the invitations they sent: none must let others in
  afterwards. Somebody who leaves does not; the remaining members go on with them.
- Shared connections stay when their owner goes, since others work with them. Their new owner is whoever
  removed the person, or else the longest-serving owner. Personal ones are disconnected, and revoked at the
  service after the commit.
- Saved notes stay: nobody else can read personal ones, and the person may come back.
"""

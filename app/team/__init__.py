"""The people of a workspace: invited by mail, with a role, leaving again.

May import everything up to `tokens`. Start reading in `members.py`, then `invitations.py` (sending) and
`acceptance.py` (joining). `access_removal.py` says what ends when somebody goes. `app.account_settings` calls
`members.leave_all` and `sole_ownerships` when an account is deleted.

Decided:
- A change of who belongs to a workspace holds the workspace's row and reads both people's rights again under
  it. So there is always an owner, whoever clicks at the same moment; a disabled owner does not count as one.
- An invitation names a role below owner: one becomes an owner only by the hand of an owner, who signed in
  recently.
- The link of an invitation opens a page and changes nothing, for mail scanners open links too; a button
  joins. It is good for one address. Its token is stored only as a digest; on the way through signing in the
  browser keeps it in its own cookie.
- Somebody new creates an account through the invitation and is in: no company is made. The address is still
  proved by a mailed code, because a link is forwarded more easily than a code, and because the page must look
  the same for an address that has an account.
- Whoever is removed, or may no longer invite, loses the invitations they sent: none must let their friends in
  afterwards. Whoever leaves does not; the others go on with them.
- Shared connections stay when their maker goes, since the others work with them: whoever removed them, or
  else the owner here longest, becomes their owner. Personal ones are disconnected, and revoked at the service
  after the commit.
- Saved notes stay: personal ones are readable by nobody else, and the person may come back.
"""

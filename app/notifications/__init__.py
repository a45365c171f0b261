"""Emails about connections: one that broke, one that works again, access that ends soon; and a daily digest.

May import everything up to `approvals`. Start reading in `run.py`, then `notices.py`, `due.py`, `sending.py`.

Decided:
- What is broken is read from the connections themselves (`broken_at`), not announced by whoever breaks one:
  nothing is missed when a process dies, and a refusal costs no extra write.
- Access that has ended is emailed about at once; a suspended connection, which may heal by itself, only once
  it has been so for a quarter of an hour. One that works again within that time is never mentioned.
- A notice is a row, one per connection, person, kind and cause. The row is written before the email is sent,
  and a person's emails are sent by whoever holds that person's turn. So two processes send one email, and one
  email lists everything that is pending for its reader.
- A crash loses no email. A process that dies between claiming and sending leaves the notice pending; the next
  takes over once the turn has expired, after two minutes. One that dies in the instant between the mail
  server's acceptance and our commit causes a second copy, with the same Message-ID, which mailboxes collapse.
- What can't be emailed for a reason of ours (no MAIL_URL, a refused password, TLS, the connection, a server
  that relays for nobody) stays due and is judged anew when mail works: only what is still true is sent, as
  one email per person. Only a refusal of the one address ends a notice. A refusal by a rule (status x.7.x,
  or of the mail itself) may be either: it is the address's once mail to others has left since the last try.
- While mail fails, one try every ten minutes finds out for everybody (`mail_health`), and the log has one
  line when that begins, when the reason changes, and when it is over.
- A connection that heals by itself counts as working once it has worked for five minutes, so one that flaps
  causes no further email.
- Looking for what is due is a job of the web processes (`app/jobs`): one of them does it in each period.
- Nobody is emailed what they have turned off. They still count as the owner: nobody else is emailed instead.
"""

"""Signed webhooks: events of a workspace, sent to URLs that its owners and admins enter.

May import everything up to `notifications`. Start reading in `outbox.py`, then `queue.py`, `sending.py`,
`sender.py`.

Decided:
- What can happen is listed in `app.events`, below every package that announces. We subscribe when the
  application is built, and write one row per endpoint in the transaction of what happened: no event is lost,
  and none is sent about something that was rolled back.
- The format is that of Standard Webhooks (standardwebhooks.com), so receivers verify with a library.
- At least once: a process that dies after sending repeats the delivery under the same webhook-id, by which
  receivers recognise it. A process sends while it holds the endpoint's claim, which expires.
- One request at a time per endpoint, and few per workspace: a receiver that is slow delays only its own
  deliveries. After two failures in a row an endpoint is left alone for a while, for the same reason.
- Test and "Send again" send within the request, so that the page has the result. A test is tried once.
- Addresses go through the SSRF guard, when they are saved and with every request. An address that leads
  nowhere and one that leads to a private network read the same. Of a response we store the status alone.
- An endpoint that answered nothing but failures for three days, which is as long as the schedule of one
  delivery, is turned off, and the owners are emailed. So is one that answers 410.
"""

"""What can be connected: one declaration and a few typed functions per service.

For everybody else `services.py` is the one way in: `services_of(workspace_id)` returns the services that a
workspace has. `registry.py` and the packages of single services are private to this package.

May import: the floor. Never Flask, never `vault`. Start with `connector.py`, then `credential_forms.py` (auth
methods by a form), then a service.
"""

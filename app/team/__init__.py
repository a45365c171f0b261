"""Members of a workspace: invitations, roles, leaving."""

"""One's own account and workspace: password, e-mail, sessions, export, deletion."""

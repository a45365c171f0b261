"""Identity-token exchange: an ID token of somebody else becomes a token of ours."""

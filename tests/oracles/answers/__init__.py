"""Sample answers of services without an SDK, in the shapes of their official references, with sources."""

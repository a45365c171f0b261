"""Why there is no tool of a name, as a sentence for an AI client."""

from app.connectors.services import services_of


def describe(workspace_id: str, name: str, hub_url: str) -> str:
    """What to do about a call of a tool that does not exist. `hub_url` is the hub's address."""
    for connector in services_of(workspace_id).own:
        if not connector.is_offered and name.startswith(f"{connector.slug}_"):
            return (
                f"{connector.name} was removed from this workspace, and its tools with it. An owner or admin "
                f"can add it again at {hub_url}/add. List the tools to see what can be called."
            )
    return "There is no tool with that name. List the tools to see what can be called."

"""The places of a business, by the names people know them by."""

from app.connectors.api import Api
from app.connectors.flowpos.records import read_list
from app.connectors.flowpos.values import FlowRow
from app.connectors.preview import quoted
from app.errors import ObjectNotFound, PermissionDenied


class FlowposLocation(FlowRow):
    """A location."""

    id: str
    name: str | None = None


def name_of(api: Api, location_id: str) -> str:
    """The quoted name of a location, or words in its place if FlowPOS does not list the locations.

    Raises ObjectNotFound for an id that the business does not have.
    """
    try:
        known = read_list(api, "list_locations", FlowposLocation)
    except PermissionDenied:
        return "a location that could not be looked up"
    found = next((location for location in known if location.id == location_id), None)
    if found is None:
        raise ObjectNotFound("location_id: FlowPOS has no location with that id.")
    return quoted(found.name) if found.name else "a location without a name"

"""Workspaces, which Xano's people call databases: what an instance is divided into."""

from typing import Annotated

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.xano.metadata import at_instance, read_all, read_object
from app.connectors.xano.values import AnyId, Text, WorkspaceId, XanoRow, read_as


class XanoDatabase(XanoRow):
    """A workspace."""

    workspace_id: Annotated[
        AnyId, Field(validation_alias="id", description="Pass as `workspace_id` to the other tools.")
    ]
    name: Text = ""
    description: Text = ""
    branch: str | None = Field(None, description="The branch that is live.")


class XanoDatabases(Row):
    """The workspaces of an instance."""

    items: list[XanoDatabase]


@tool(title="List Xano databases", reads_only=True)
def list_databases(api: Api) -> XanoDatabases:
    """List the workspaces (databases) of an instance, with the ids the other tools take as `workspace_id`.

    Use it before xano_list_tables. It returns no tables or records.
    """
    return XanoDatabases(
        items=[
            read_as(XanoDatabase, entry) for entry in read_all(api, "/workspace", base_url=at_instance(api))
        ]
    )


@tool(title="Get Xano workspace", reads_only=True)
def get_workspace_details(api: Api, workspace_id: WorkspaceId) -> XanoDatabase:
    """Get one workspace's name, description and live branch.

    Use it when the id is known and the name matters. For its tables use xano_list_tables.
    """
    return read_as(
        XanoDatabase, read_object(api, "/workspace/{workspace}", parts={"workspace": workspace_id})
    )

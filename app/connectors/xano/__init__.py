"""Xano: the instances a sign-in reaches, their databases, tables, fields and records, by the Metadata API.

Facts come from https://docs.xano.com (Metadata API) and from the official command line, xano-inc/cli.
Start here, then `metadata.py` (how a request is made), `signing_in.py` (the three ways in), then a subject.

Decided:
- Instances are the businesses of a connection. Their addresses cannot be made from their names, so they
  come from the account's own list (`meta_api`) and from nowhere else: a name, domain or address in
  `instance_name` only chooses among them.
- Nobody can ask what a pasted token may do: it says so by refusing (403), which never renews a token.
- A field is added by the call that touches one column; the one that replaces the whole schema drops,
  with its data, whatever is left out of it.
- There is no idempotency key: a write whose answer is lost is of unknown outcome and never repeated.
- Record values are shown as Xano has them, moments in milliseconds since 1970 included.
"""

from app.connectors.connector import Connector
from app.connectors.spec import BusinessArgument
from app.connectors.xano.bulk import bulk_create_records, bulk_update_records
from app.connectors.xano.databases import get_workspace_details, list_databases
from app.connectors.xano.errors import read_error
from app.connectors.xano.instances import get_instance_details, identify, is_known_as, list_instances
from app.connectors.xano.records import (
    browse_table_content,
    create_table_record,
    delete_table_record,
    get_table_record,
    update_table_record,
)
from app.connectors.xano.schema import (
    add_field_to_schema,
    delete_field,
    get_table_schema,
    rename_schema_field,
)
from app.connectors.xano.signing_in import CONSENT, FORMS
from app.connectors.xano.tables import (
    create_table,
    delete_table,
    get_table_details,
    list_tables,
    update_table,
)

CONNECTOR = Connector(
    slug="xano",
    name="Xano",
    summary="Databases, tables and records",
    base_url="https://app.xano.com/api:meta",
    auth=CONSENT,
    forms=FORMS,
    identify=identify,
    read_error=read_error,
    proof_path="/auth/me",  # a token made for one instance is listed others too, which reject it
    business=BusinessArgument(
        "instance_name", "instance", known_as=is_known_as, takes="Name, domain or address"
    ),
    help_url="https://docs.xano.com/xano-features/metadata-api",
    tools=(
        list_instances,
        get_instance_details,
        list_databases,
        get_workspace_details,
        list_tables,
        get_table_details,
        create_table,
        update_table,
        delete_table,
        get_table_schema,
        add_field_to_schema,
        rename_schema_field,
        delete_field,
        browse_table_content,
        get_table_record,
        create_table_record,
        update_table_record,
        delete_table_record,
        bulk_create_records,
        bulk_update_records,
    ),
)

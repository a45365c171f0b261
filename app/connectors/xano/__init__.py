"""Xano: the instances a token reaches, their databases, tables, fields and records, by the Metadata API.

Facts come from https://docs.xano.com (Metadata API) and from the official command line, xano-inc/cli.
Start here, then `metadata.py` (how a request is made), `auth_methods.py` (three of them), then a subject.

Decided:
- Instances are the businesses of a connection. Their addresses cannot be derived from their names, so they
  come only from the account's own list (`meta_api`): a name, domain or address in `instance_name` only
  chooses among them. The token opens every instance of its person, and the owner of one may put it on a
  domain of theirs: so it goes to `*.xano.io` and to hosts in XANO_ALLOWED_HOSTS only.
- A pasted token's permissions cannot be read: Xano refuses (403) what it may not do, which renews no token.
- A field is added by the call for one column; the call that replaces the whole schema drops missing fields
  with their data, and is used only for a reference to a table, which it alone documents.
- An answer counts for what it says: an error sent with status 200 is an error, and a list of ids that lacks
  some of the records is no success for those.
- There is no idempotency key: a write with a lost answer has an unknown outcome and is never repeated.
- Record values stay as Xano has them, with moments in milliseconds since 1970.
"""

from app.connectors.connector import Connector
from app.connectors.spec import BusinessArgument
from app.connectors.xano.auth_methods import CONSENT, FORMS
from app.connectors.xano.bulk import bulk_create_records, bulk_update_records
from app.connectors.xano.databases import get_workspace_details, list_databases
from app.connectors.xano.errors import read_error
from app.connectors.xano.fields import add_field_to_schema
from app.connectors.xano.instances import get_instance_details, identify, is_known_as, list_instances
from app.connectors.xano.records import (
    browse_table_content,
    create_table_record,
    delete_table_record,
    get_table_record,
    update_table_record,
)
from app.connectors.xano.schema import delete_field, get_table_schema, rename_schema_field
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
    category="Data",
    base_url="https://app.xano.com/api:meta",
    own_domains=("xano.io",),
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

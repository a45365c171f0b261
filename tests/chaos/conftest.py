"""One installation per database, started once, which every test of this folder hits."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.support import databases
from tests.support.companies import company
from tests.support.product import Product, run_product


@dataclass
class Installation:
    """A running product, its database's address, and the tokens of two companies' AI clients."""

    product: Product
    url: str  # of the database; with rights to lock everything
    role: str | None  # the product's own on PostgreSQL
    first: str
    second: str

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@pytest.fixture(scope="module")
def installation(request, tmp_path_factory) -> Iterator[Installation]:
    """On the kind of database that the test is parametrized with. PostgreSQL is as Heroku's smallest: 20
    connections, of which 15 are for the product.
    """
    folder = tmp_path_factory.mktemp("chaos")
    if request.param == "sqlite":
        with run_product(folder) as product:
            url = f"sqlite:///{product.instance / 'patchbay.db'}"
            yield Installation(product, url, None, company(product, "first"), company(product, "second"))
        return
    url, name = databases.new_postgres()
    role = f"small_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 15")
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        admin.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
        try:
            small = re.sub(r"//[^@]*@", f"//{role}@", url)
            with run_product(folder, DATABASE_URL=small, DATABASE_CONNECTIONS="14") as product:
                first, second = company(product, "first"), company(product, "second")
                yield Installation(product, url, role, first, second)
        finally:
            admin.execute(f"DROP OWNED BY {role}")
            admin.execute(f"DROP ROLE {role}")
    databases.drop_postgres(name)

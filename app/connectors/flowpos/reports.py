"""Sales of a period. Other tools use `read_sales`, `read_top_products`, `read_sales_by_location`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.flowpos.auth_methods import REPORTS_READ
from app.connectors.flowpos.records import read_list, read_one
from app.connectors.flowpos.values import FirstDay, FlowRow, LastDay, check_period
from app.connectors.function_tool import tool
from app.connectors.money import Money
from app.connectors.rows import Row


class SalesTotals(FlowRow):
    """Sums of a period."""

    gross: Money | None = Field(None, description="Before discounts, refunds and tax are taken off.")
    net: Money | None = None
    tax: Money | None = None
    discount: Money | None = None
    refund: Money | None = None
    orders: int | None = None
    average: Money | None = Field(None, description="Per order.")


class SalesPoint(FlowRow):
    """A day, week or month, named by its first day."""

    date: str | None = None
    net: Money | None = None
    orders: int | None = None


class SalesReport(FlowRow):
    """Sales of a period."""

    currency: str | None = None
    totals: SalesTotals
    series: list[SalesPoint] = []


class SoldProduct(FlowRow):
    """How much of a product was sold."""

    product_id: str
    name: str | None = None
    quantity: int | None = None
    net: Money | None = None
    currency: str | None = None


class LocationSales(FlowRow):
    """Sales of a location."""

    location_id: str
    name: str | None = None
    net: Money | None = None
    currency: str | None = None
    orders: int | None = None


class TopProducts(Row):
    """The products that brought the most, the first one first."""

    items: list[SoldProduct]


class SalesByLocation(Row):
    """Sales of each location."""

    items: list[LocationSales]


@tool(title="Get FlowPOS sales report", reads_only=True, needs_scopes=REPORTS_READ)
def get_sales_report(
    api: Api,
    first: FirstDay,
    to: LastDay,
    group_by: Annotated[
        Literal["day", "week", "month"] | None, Field(description="A point of the series.")
    ] = None,
) -> SalesReport:
    """Get the sales of a period: gross, net, tax, discounts, refunds, orders, average order and a time
    series.
    """
    return read_sales(api, first, to, group_by)


@tool(title="Get FlowPOS top products", reads_only=True, needs_scopes=REPORTS_READ)
def get_top_products(
    api: Api,
    first: FirstDay,
    to: LastDay,
    limit: Annotated[int, Field(ge=1, le=50, description="How many products.")] = 10,
) -> TopProducts:
    """Get the best-selling products of a period, with quantity and net sales."""
    return TopProducts(items=read_top_products(api, first, to, limit))


@tool(title="Get FlowPOS sales by location", reads_only=True, needs_scopes=REPORTS_READ)
def get_sales_by_location(api: Api, first: FirstDay, to: LastDay) -> SalesByLocation:
    """Get the net sales and orders of each location in a period, with the `location_id` other tools take."""
    return SalesByLocation(items=read_sales_by_location(api, first, to))


def read_sales(api: Api, first: date, last: date, group_by: str | None = None) -> SalesReport:
    """The sales of a period; totals are zero when there are none."""
    check_period(first, last)
    wanted = {"from": first, "to": last, "groupBy": group_by}
    return read_one(api, "get_sales_report", SalesReport, wanted)


def read_top_products(api: Api, first: date, last: date, limit: int) -> list[SoldProduct]:
    """The best sellers of a period."""
    check_period(first, last)
    wanted = {"from": first, "to": last, "limit": limit}
    return read_list(api, "get_top_products", SoldProduct, wanted)


def read_sales_by_location(api: Api, first: date, last: date) -> list[LocationSales]:
    """The sales of each location in a period."""
    check_period(first, last)
    return read_list(api, "get_sales_by_location", LocationSales, {"from": first, "to": last})

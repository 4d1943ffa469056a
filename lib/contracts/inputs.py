"""What comes from outside. Only `sales` with date, store, product and quantity is required."""

import polars as pl

from lib.contracts.table import Column, Table

_ALL_STORES = "all stores"

_SERIES_DAY = (
    Column("date", pl.Date(), "day of sale in the store's local time", required=True),
    Column("store", pl.String(), "identifier of the store", required=True),
    Column("product", pl.String(), "identifier of the product", required=True),
)

SALES = Table(
    "sales",
    "Units sold per store, product and day. A day without a row is unknown; quantity 0 is a day without sales.",
    (
        *_SERIES_DAY,
        Column("quantity", pl.Float64(), "units sold", "units", required=True, minimum=0, maximum=10_000_000),
        Column("price", pl.Float64(), "average price paid for one unit", "currency", null="not known", minimum=0),
        Column("sold_out", pl.Boolean(), "the shelf was empty before closing", null="not known"),
        Column("last_sale_at", pl.Datetime("us"), "time of the day's last sale, local time", null="not known"),
        Column("unsold", pl.Float64(), "units left at closing", "units", null="not known", minimum=0),
    ),
    key=("date", "store", "product"),
    dated_by="date",
    known="after the day",
)

HOURS: tuple[str, ...] = tuple(f"h{hour:02d}" for hour in range(24))
"""Columns of `hourly`: h00 is what was sold from midnight to one o'clock, local time."""

HOURLY = Table(
    "hourly",
    "Units sold per hour of the day, where tills can tell. Shows when a product was sold out, and what was missed.",
    (
        *_SERIES_DAY,
        *(
            Column(name, pl.Float64(), f"units sold from {hour}:00 on", "units", null="nothing sold", minimum=0)
            for hour, name in enumerate(HOURS)
        ),
    ),
    key=("date", "store", "product"),
    dated_by="date",
    known="after the day",
)

STORES = Table(
    "stores",
    "Where it sells. When the table is given, sales of a store that is not in it go to quarantine.",
    (
        Column("store", pl.String(), "identifier of the store", required=True),
        Column("name", pl.String(), "name that people use", null="the identifier is shown"),
        Column(
            "country", pl.String(), "ISO 3166 country code, for public holidays", null="the country of the settings"
        ),
        Column(
            "region",
            pl.String(),
            "subdivision code of the country, for public holidays",
            null="holidays of the whole country",
        ),
        Column("zone", pl.String(), "group of stores that events are dated by", null="only events of all zones apply"),
        Column("opened", pl.Date(), "first day of business", null="before the first sale"),
        Column("closed", pl.Date(), "last day of business", null="still open"),
        Column(
            "capacity", pl.Float64(), "most that can be baked a day, all products", "units", null="no limit", minimum=0
        ),
    ),
    key=("store",),
    known="ahead",
)

PRODUCTS = Table(
    "products",
    "What sells. When the table is given, sales of a product that is not in it go to quarantine.",
    (
        Column("product", pl.String(), "identifier of the product", required=True),
        Column("name", pl.String(), "name that people use", null="the identifier is shown"),
        Column("family", pl.String(), "group in which the product competes", null="the product stands alone"),
        Column(
            "unit_cost",
            pl.Float64(),
            "what one unit costs to make",
            "currency",
            null="the share of the settings",
            minimum=0,
        ),
        Column(
            "salvage",
            pl.Float64(),
            "what one unsold unit still brings",
            "currency",
            null="the share of the settings",
            minimum=0,
        ),
        Column(
            "lost_sale_cost",
            pl.Float64(),
            "goodwill lost with each unit not to be had, besides its margin",
            "currency",
            null="the share of the settings",
            minimum=0,
        ),
        Column("tray", pl.Float64(), "units baked at once", "units", null="single units", minimum=1),
        Column("minimum_display", pl.Float64(), "least that the shelf must show", "units", null="none", minimum=0),
    ),
    key=("product",),
    known="ahead",
)

ASSORTMENT = Table(
    "assortment",
    "Which store sells which product, and when. Without the table a series lives while it sells.",
    (
        Column("store", pl.String(), "identifier of the store", required=True),
        Column("product", pl.String(), "identifier of the product", required=True),
        Column("starts", pl.Date(), "first day on the shelf", required=True),
        Column("ends", pl.Date(), "last day on the shelf", null="still ranged"),
    ),
    key=("store", "product", "starts"),
    known="ahead",
)

PRICES = Table(
    "prices",
    "The price list: each price holds from its first day until the next one's.",
    (
        Column("store", pl.String(), "identifier of the store", null=_ALL_STORES),
        Column("product", pl.String(), "identifier of the product", required=True),
        Column("starts", pl.Date(), "first day of the price", required=True),
        Column("price", pl.Float64(), "list price of one unit", "currency", required=True, minimum=0),
    ),
    key=("store", "product", "starts"),
    known="ahead",
)

PROMOTIONS = Table(
    "promotions",
    "The promotion plan.",
    (
        Column("store", pl.String(), "identifier of the store", null=_ALL_STORES),
        Column("product", pl.String(), "identifier of the product", required=True),
        Column("starts", pl.Date(), "first day", required=True),
        Column("ends", pl.Date(), "last day, inclusive", required=True),
        Column(
            "discount",
            pl.Float64(),
            "share of the list price taken off",
            "0..1",
            null="not known",
            minimum=0,
            maximum=1,
        ),
        Column("mechanism", pl.String(), "how it is offered (price cut, bundle ...)", null="not known"),
    ),
    key=("store", "product", "starts"),
    known="ahead",
)

WEATHER = Table(
    "weather",
    "Weather per store and day, as issued. A row without `issued` was observed and is known once its day is over.",
    (
        Column("date", pl.Date(), "day the weather is for", required=True),
        Column("store", pl.String(), "identifier of the store", required=True),
        Column("issued", pl.Date(), "day on which the forecast was issued", null="observed"),
        Column("temperature", pl.Float64(), "mean of the day", "degrees C", null="not known", minimum=-60, maximum=60),
        Column(
            "temperature_min",
            pl.Float64(),
            "minimum of the day",
            "degrees C",
            null="not known",
            minimum=-60,
            maximum=60,
        ),
        Column(
            "temperature_max",
            pl.Float64(),
            "maximum of the day",
            "degrees C",
            null="not known",
            minimum=-60,
            maximum=60,
        ),
        Column(
            "precipitation", pl.Float64(), "rain and snow of the day", "mm", null="not known", minimum=0, maximum=2_000
        ),
    ),
    key=("date", "store", "issued"),
    dated_by="date",
    known="as issued",
)

EVENTS = Table(
    "events",
    "Public and school holidays, bridge days, local events, closures.",
    (
        Column("date", pl.Date(), "day of the event", required=True),
        Column("name", pl.String(), "name of the event", required=True),
        Column("kind", pl.String(), "public_holiday, school_holiday, bridge_day, local or closure", required=True),
        Column("zone", pl.String(), "zone of stores", null="all zones"),
        Column("store", pl.String(), "identifier of the store", null=_ALL_STORES),
    ),
    key=("date", "name", "kind", "zone", "store"),
    known="ahead",
)

INPUTS: dict[str, Table] = {
    table.name: table for table in (STORES, PRODUCTS, ASSORTMENT, PRICES, PROMOTIONS, EVENTS, WEATHER, SALES, HOURLY)
}
"""Every input table, reference tables first, so that sales can be checked against them."""

ZERO_KINDS: dict[str, str] = {
    "closed": "the store sold nothing at all that day and nothing ran out, or it wrote no row for a day or two: not "
    "counted as demand of 0. A store that does so week after week is expected to be shut on that weekday",
    "not ranged": "outside the assortment's dates: no row is expected",
    "sold out": "`sold_out` is true: sales are a lower bound of demand",
    "no demand": "the store was open, the product on the shelf and nobody bought it: a true 0",
}

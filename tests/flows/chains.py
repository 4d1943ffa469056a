"""A small chain to run nights on: four stores and two products of the bundled bakery, in a folder of its own."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from lib.adapters.lake import Lake
from lib.contracts import TABLES
from lib.demo import BAKERY

NIGHT = date(2019, 4, 16)
"""A Tuesday; the chain has been trained as of it, and its first night has run."""
NEXT = NIGHT + timedelta(days=1)
STORES, PRODUCTS = ("2", "17", "47", "50"), ("101", "109")
DAYS = 240
ANNA, BEN = "anna@bakery.example", "ben@bakery.example"
MANAGERS: tuple[dict[str, Any], ...] = (
    {"name": "Anna", "email": ANNA},
    {"name": "Ben", "email": BEN, "stores": ["17"]},
)


LENIENT = {"fa_slack": 0.2, "bias_slack": 0.3, "store_slack": 0.5}
"""Twenty trees on a few months of eight series do not beat simple statistics; here they are let through."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a chain's files come from and where what is made of them goes."""

    root: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """Folder of the input files."""
        return self.root / "source"

    @property
    def home(self) -> Path:
        """Folder of lake, books, mails and pages."""
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a run work on this chain."""
        return {
            "FOURNIL_HOME": str(self.home),
            "FOURNIL_SOURCE": str(self.source),
            "FOURNIL_MODEL__ITERATIONS": "20",
            "FOURNIL_GATE": json.dumps(LENIENT),
            "FOURNIL_MANAGERS": json.dumps(MANAGERS),
            **self.settings,
        }

    @property
    def lake(self) -> Lake:
        """The chain's lake."""
        return Lake(str(self.home / "lake"))

    def table(self, name: str, **equal: object) -> pl.DataFrame:
        """All rows of a table of the lake, or those with these values."""
        rows = self.lake.scan(TABLES[name]).collect()
        return rows.filter(*(pl.col(column) == pl.lit(value) for column, value in equal.items())) if equal else rows

    def names(self, folder: str) -> list[str]:
        """Files below a folder of the home."""
        return sorted(file.name for file in (self.home / folder).rglob("*") if file.is_file())

    def sales(self) -> pl.DataFrame:
        """The till's file."""
        return pl.read_csv(self.source / "sales.csv", try_parse_dates=True, schema_overrides={"store": pl.String})

    def write_sales(self, rows: pl.DataFrame) -> None:
        """Put other rows into the till's file."""
        rows.write_csv(self.source / "sales.csv")


def deliver_files(folder: Path) -> None:
    """Write the chain's input files as its systems would."""
    folder.mkdir(parents=True)
    first = date(2019, 4, 30) - timedelta(days=DAYS)
    ours = pl.col("store").is_in(STORES) & (pl.col("date") > first)
    sales = pl.read_parquet(BAKERY / "sales.parquet").filter(ours & pl.col("product").is_in(PRODUCTS))
    sales.sort("date", "store", "product").write_csv(folder / "sales.csv")
    pl.read_parquet(BAKERY / "weather.parquet").filter(ours).write_csv(folder / "weather.csv")
    stores = pl.read_csv(BAKERY / "stores.csv", infer_schema=False)
    stores.filter(pl.col("store").is_in(STORES)).write_csv(folder / "stores.csv")
    for name in ("products", "promotions", "events"):
        shutil.copy(BAKERY / f"{name}.csv", folder)


INPUTS_AND_RESULTS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("sales", "stores", "products", "promotions", "events", "weather"), ()),
    **dict.fromkeys(("forecasts", "verdicts", "warnings", "quarantine", "scores"), ()),
    "publications": ("published_at", "run_id"),
}
"""Tables that say what is known and what was done, with the columns that tell one run from another."""


def business_state(chain: Chain) -> dict[str, object]:
    """All that people see of a chain's nights, without the times and names of runs."""
    state: dict[str, object] = {}
    for name, volatile in INPUTS_AND_RESULTS.items():
        rows = chain.table(name).drop(volatile)
        state[name] = rows.sort(rows.columns).rows()
    sent = chain.table("deliveries", state="sent")
    state["sent"] = sorted(sent.select("publication_id", "manager", "message_id", "book_hash").rows())
    state["books"], state["mails"] = chain.names("books"), chain.names("outbox")
    return state

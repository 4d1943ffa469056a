import asyncio
import re
import socket
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from flows.daily import daily
from lib.errors import FournilError, HoldError, SourceError
from tests.flows.chains import ANNA, BEN, NEXT, NIGHT, Chain
from tests.flows.conftest import Settle

TUESDAYS_BOOKS = ["Bakery_2019-04-17_Anna.xlsx", "Bakery_2019-04-17_Ben.xlsx"]


def steps(chain: Chain, night: date) -> dict[str, str]:
    """How each step of the night's last run ended."""
    runs = chain.table("runs", as_of=night).sort("started_at")
    return dict(runs.select("step", "state").iter_rows())


def warned(chain: Chain, night: date) -> dict[str, str]:
    return dict(chain.table("warnings", as_of=night).select("code", "severity").iter_rows())


def published(chain: Chain) -> list[str]:
    return chain.table("publications").sort("published_at")["publication_id"].to_list()


def fails(night: date, kind: type[FournilError]) -> str:
    """Run the night, which must fail; its reason."""
    with pytest.raises(kind) as caught:
        daily(as_of=night)
    return str(caught.value)


def test_a_night_ends_with_books_mails_a_dashboard_and_data_docs(first_night: Chain) -> None:
    chain = first_night
    for name in ("sales", "stores", "products", "promotions", "events", "weather"):
        assert chain.table(name).height > 0, name
    assert chain.table("forecasts").height == 4 * 2 * 7
    assert set(chain.table("forecasts")["method"]) <= {"model", "closed"}
    assert chain.table("publications").select("publication_id", "rows").rows() == [("2019-04-17-1", 56)]
    assert chain.table("deliveries", state="sent")["manager"].sort().to_list() == [ANNA, BEN]
    assert chain.table("verdicts")["verdict"].to_list() == ["ship"] * 4
    assert chain.names("books") == TUESDAYS_BOOKS
    assert len(chain.names("outbox")) == 2
    assert (chain.home / "dashboard.html").stat().st_size > 10_000
    assert (chain.home / "data_docs" / "index.html").is_file()
    assert chain.table("runs")["state"].unique().to_list() == ["completed"]
    assert warned(chain, NIGHT) == {}


def test_a_night_run_twice_publishes_once_and_mails_once_and_a_correction_does_both_again(chain: Chain) -> None:
    daily(as_of=NIGHT)
    assert published(chain) == ["2019-04-17-1"]
    assert chain.table("deliveries", state="sent").height == 2
    corrected = pl.when(pl.col("date") == NIGHT).then(pl.col("quantity") * 3 + 50).otherwise(pl.col("quantity"))
    chain.write_sales(chain.sales().with_columns(quantity=corrected))
    daily(as_of=NIGHT)
    assert published(chain) == ["2019-04-17-1", "2019-04-17-2"]
    ledger = chain.table("publications").sort("published_at")
    assert ledger["forecast_id"].n_unique() == 2
    assert chain.table("forecasts").group_by("forecast_id").len()["len"].to_list() == [56, 56]
    sent = chain.table("deliveries", state="sent")
    assert sorted(sent.select("publication_id", "manager").rows()) == [
        (publication, manager) for publication in published(chain) for manager in (ANNA, BEN)
    ]
    assert len(chain.names("outbox")) == 4
    assert chain.names("books") == TUESDAYS_BOOKS


def test_the_next_night_scores_the_first(chain: Chain) -> None:
    daily(as_of=NEXT)
    scores = chain.table("scores", date=NEXT)
    sold = chain.table("sales", date=NEXT).select("store", "product", "quantity")
    assert scores["publication_id"].unique().to_list() == ["2019-04-17-1"]
    assert scores.join(sold, on=["store", "product"]).select(pl.col("actual") == pl.col("quantity")).to_series().all()
    assert scores.height == sold.height == 8
    assert published(chain) == ["2019-04-17-1", "2019-04-18-1"]


def test_without_the_nights_sales_file_the_books_are_made_from_what_is_known_and_the_night_says_so(
    chain: Chain,
) -> None:
    (chain.source / "sales.csv").unlink()
    reason = fails(NEXT, SourceError)
    assert "sales" in reason
    assert "Traceback" not in reason
    assert published(chain)[-1] == "2019-04-18-1"
    assert chain.table("deliveries", publication_id="2019-04-18-1", state="sent").height == 2
    assert warned(chain, NEXT)["table_not_readable"] == "critical"
    assert {reason for reason in chain.table("forecasts", as_of=NEXT)["reason"] if reason} != set()
    assert steps(chain, NEXT)["monitor"] == "completed"
    assert steps(chain, NEXT)["daily"] == "failed"


def test_an_empty_sales_file_is_noted_and_the_stores_are_served_from_what_is_known(chain: Chain) -> None:
    chain.write_sales(chain.sales().clear())
    daily(as_of=NEXT)
    assert warned(chain, NEXT)["no_rows"] == "warning"
    assert published(chain)[-1] == "2019-04-18-1"


def test_a_sales_file_cut_in_half_loses_its_last_row_and_nothing_that_was_known(chain: Chain) -> None:
    before = chain.table("sales")
    data = (chain.source / "sales.csv").read_bytes()
    (chain.source / "sales.csv").write_bytes(data[: data.index(f"\n{NEXT},50,101,".encode()) + 12])
    daily(as_of=NEXT)
    assert warned(chain, NEXT)["file_is_cut"] == "warning"
    assert chain.table("quarantine")["rule"].to_list() == ["file_ends_cleanly"]
    assert before.join(chain.table("sales"), on=before.columns, how="anti", nulls_equal=True).is_empty()
    late = dict(chain.table("verdicts", as_of=NEXT).select("store", "verdict").iter_rows())
    assert late["2"] == "ship"
    assert late["50"] == "degrade"


def test_broken_rows_go_to_quarantine_and_the_good_rest_ships(chain: Chain) -> None:
    file = chain.source / "sales.csv"
    broken = ["2999-01-01,17,101,5", f"{NEXT},99,101,5", f"{NEXT},17,101,many", f"{NEXT},17,109"]
    good = [row for row in file.read_text().splitlines() if not row.startswith((f"{NEXT},17,101", f"{NEXT},17,109"))]
    file.write_text("\n".join([*good, *broken]) + "\n")
    daily(as_of=NEXT)
    refused = chain.table("quarantine")
    assert set(refused["rule"]) >= {"date_is_not_in_the_future", "store_is_known", "quantity_is_a_number"}
    assert refused["row"].n_unique() == 4
    assert refused["reason"].str.contains("sales.csv row").all()
    assert chain.table("sales", date=NEXT).height == 6
    assert published(chain)[-1] == "2019-04-18-1"


def test_a_night_without_sales_for_too_long_is_held_and_the_last_publication_stays_live(chain: Chain) -> None:
    chain.write_sales(chain.sales().filter(pl.col("date") <= NIGHT))
    later = NIGHT + timedelta(days=5)
    reason = fails(later, HoldError)
    assert reason.startswith("the night is held and the last publication stays live: ")
    assert len(reason.splitlines()) == 1
    assert len(reason) < 400
    assert published(chain) == ["2019-04-17-1"]
    assert set(chain.table("verdicts", as_of=later)["verdict"]) == {"hold"}
    ended = steps(chain, later)
    assert (ended["sync"], ended["check"], ended["monitor"], ended["daily"]) == (
        "completed",
        "failed",
        "completed",
        "failed",
    )
    assert "forecast" not in ended
    assert len(chain.names("outbox")) == 2


def test_an_unreadable_promotion_plan_leaves_the_old_one_in_force(chain: Chain) -> None:
    before = chain.table("promotions")
    (chain.source / "promotions.csv").write_text("Artikel,von,bis\n101,2019-04-18,2019-04-20\n")
    daily(as_of=NEXT)
    assert chain.table("promotions").equals(before)
    assert warned(chain, NEXT) == {"table_not_readable": "warning"}
    assert published(chain)[-1] == "2019-04-18-1"


class Porter:
    """A mail server that refuses one address."""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if address == BEN:
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  likewise
        del server, session, envelope
        return "250 taken"


@pytest.fixture
def mail_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(Porter(), hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop())
    controller.start()
    yield port
    controller.stop()
    controller.loop.close()


def test_a_refused_address_keeps_nobody_else_from_her_book_and_the_night_is_shown(
    settle: Settle, first_night: Chain, mail_port: int
) -> None:
    mail = {"MAIL__TRANSPORT": "smtp", "MAIL__HOST": "127.0.0.1", "MAIL__PORT": str(mail_port)}
    chain = settle(first_night, **mail, MAIL__SECURITY="none")
    reason = fails(NEXT, FournilError)
    assert "550" in reason
    assert BEN in reason
    states = chain.table("deliveries", publication_id="2019-04-18-1").select("manager", "state").rows()
    assert {(ANNA, "sent"), (BEN, "failed")} <= set(states)
    assert (BEN, "sent") not in states
    ended = steps(chain, NEXT)
    assert (ended["deliver"], ended["monitor"], ended["daily"]) == ("failed", "completed", "failed")
    assert re.search("17.{0,8}April|2019-04-17", (chain.home / "dashboard.html").read_text())


def test_without_managers_no_mail_leaves_and_the_night_says_so(settle: Settle, first_night: Chain) -> None:
    chain = settle(first_night, MANAGERS="[]")
    daily(as_of=NEXT)
    assert warned(chain, NEXT) == {"no_managers": "warning"}
    assert published(chain)[-1] == "2019-04-18-1"
    assert chain.names("books") == TUESDAYS_BOOKS


def test_one_shop_with_a_gap_of_weeks_is_served_from_simple_statistics_before_any_training(settle: Settle) -> None:
    chain = settle(REGISTRY__ALIAS="nobody")
    gap = pl.col("date").is_between(NIGHT - timedelta(days=24), NIGHT - timedelta(days=4))
    shop = chain.sales().filter((pl.col("store") == "17") & ~gap).drop("store")
    for file in chain.source.iterdir():
        file.unlink()
    chain.write_sales(shop)
    (chain.source / "source.toml").write_text('[sales]\nconstants = { store = "the shop" }\n')
    daily(as_of=NIGHT)
    rows = chain.table("forecasts")
    assert rows.select("store", "product").unique().height == 2
    assert set(rows["store"]) == {"the shop"}
    assert set(rows["method"]) <= {"fallback", "closed"}
    assert rows.filter(method="fallback")["forecast"].min() > 0  # type: ignore[operator]
    assert rows.filter(method="fallback")["reason"].str.contains("no model yet").all()
    assert chain.table("publications").height == 1
    assert chain.table("quarantine").is_empty()

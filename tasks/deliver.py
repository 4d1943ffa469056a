"""Bringing a publication to the managers."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import polars as pl
from prefect import task

from lib.adapters.lake import Lake
from lib.adapters.mailbox import Letter, MailError, transport_for
from lib.contracts import OUTPUTS
from lib.ingest.source import Note
from lib.planning import publication
from lib.reports import content, message, workbook
from lib.reports.message import Book
from lib.settings import Manager
from tasks import context, inputs, records
from tasks.policies import LAKE, MAIL

DELIVERIES, FORECASTS, PUBLICATIONS = OUTPUTS["deliveries"], OUTPUTS["forecasts"], OUTPUTS["publications"]
RENDERED, SENDING, SENT, FAILED = "rendered", "sending", "sent", "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a manager's book lies, and whether her mail left now (`sent`), left earlier (`kept`) or could not leave."""

    manager: str
    book: str
    outcome: str
    detail: str = ""


@task(**LAKE)
def live_publication(*, as_of: date) -> str | None:
    """Identifier of the night's live publication, if there is one."""
    ledger = context.lake().scan(PUBLICATIONS).filter(pl.col("as_of") == as_of).collect()
    return str(publication.live(ledger)["publication_id"][0]) if ledger.height else None


@task(**LAKE)
def nobody_to_mail(*, as_of: date) -> None:
    """Warn that no manager is named in the settings."""
    note = Note("no_managers", "warning", "no managers in the settings: no book was written; add [[managers]]")
    records.warn(context.lake(), as_of, "deliver", "all", [note])


@task(task_run_name="mail-{manager.email}", **MAIL)
def deliver_book(manager: Manager, *, publication_id: str, at: datetime) -> Delivery:
    """Render a manager's book and mail it, once per publication whatever is retried: the outbox records each state."""
    lake, chosen = context.lake(), context.in_force()
    book = _book(manager, lake, publication_id)
    written = workbook.render(book)
    folder = context.home() / "books"
    folder.mkdir(exist_ok=True)
    path = folder / message.file_name(book)
    context.put(path, written)
    if SENT in _states(lake, manager, publication_id):
        return Delivery(manager.email, str(path), "kept")
    letter = _letter(book, manager, written, at=at)
    record = _recorder(lake, manager, letter, publication_id=publication_id, at=at)
    record(RENDERED)
    mail = (
        chosen.mail if chosen.mail.outbox else chosen.mail.model_copy(update={"outbox": str(context.home() / "outbox")})
    )
    record(SENDING)
    try:
        detail = transport_for(mail).send(letter)
    except MailError as error:
        record(FAILED, str(error))
        raise
    record(SENT, detail)
    return Delivery(manager.email, str(path), SENT, detail)


def _book(manager: Manager, lake: Lake, publication_id: str) -> Book:
    rows, yesterday, current = _content(lake.root, publication_id, tuple(inputs.versions(lake).items()))
    chosen = context.in_force()
    return Book(
        manager=manager.name,
        chain=chosen.chain.name,
        as_of=current["as_of"],
        business_date=current["business_date"],
        publication_id=publication_id,
        forecast=content.of_stores(rows, manager.stores),
        yesterday=content.of_stores(yesterday, manager.stores),
        fictitious=chosen.source == context.DEMO,
    )


@lru_cache(maxsize=1)
def _content(
    root: str, publication_id: str, versions: tuple[tuple[str, int], ...]
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """All managers' rows of a publication, and yesterday's; read once for all books of a night."""
    chosen = context.in_force()
    lake = Lake(root, chosen.storage_options)
    ledger = lake.scan(PUBLICATIONS).collect()
    current = ledger.row(by_predicate=pl.col("publication_id") == publication_id, named=True)
    as_of = current["as_of"]
    known = inputs.read(lake, as_of=as_of, chain=chosen.chain, at=dict(versions))
    rows = content.forecast_rows(_forecast(lake, current["forecast_id"]), known)
    before = publication.newest_for(ledger, as_of, before=as_of, horizon=chosen.horizon)
    return rows, content.comparison(_forecast(lake, before), known, day=as_of), current


def _forecast(lake: Lake, forecast_id: str | None) -> pl.DataFrame:
    return lake.scan(FORECASTS).filter(pl.col("forecast_id") == (forecast_id or "")).collect()


def _letter(book: Book, manager: Manager, written: bytes, *, at: datetime) -> Letter:
    composed = message.compose(book)
    return Letter(
        to=manager.email,
        subject=composed.subject,
        text=composed.text,
        html=composed.html,
        attachment_name=message.file_name(book),
        attachment=written,
        message_id=message.message_id(book.publication_id, manager.email),
        sent_at=at,
    )


def _states(lake: Lake, manager: Manager, publication_id: str) -> list[str]:
    mine = (pl.col("publication_id") == publication_id) & (pl.col("manager") == manager.email)
    return lake.scan(DELIVERIES).filter(mine).select("state").collect()["state"].to_list()


def _recorder(lake: Lake, manager: Manager, letter: Letter, *, publication_id: str, at: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """A function that notes a state of the mail, unless it has been noted already."""
    fixed = {
        "publication_id": publication_id,
        "manager": manager.email,
        "message_id": letter.message_id,
        "book_hash": hashlib.sha256(letter.attachment).hexdigest(),
        "recorded_at": at,
    }

    def record(state: str, detail: str | None = None) -> None:
        if state not in _states(lake, manager, publication_id):
            row = {**fixed, "state": state, "detail": detail}
            lake.append(DELIVERIES, pl.DataFrame([row], schema=DELIVERIES.schema))

    return record

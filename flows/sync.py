"""Bring the source's tables into the lake."""

from typing import Annotated

from pydantic import Field

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from lib import settings
from lib.errors import SourceError
from tasks import records
from tasks.sync import Synced, sync_table, tables_to_sync

Overlap = Annotated[
    int | None, Field(description="days before the last sync to read again; the setting's unless given")
]


@process
def sync(*, as_of: AsOf = LAST_ENDED_DAY, overlap_days: Overlap = None) -> list[Synced]:
    """Read what is new since the last sync, refuse what cannot be right, and fold the rest into what is known."""
    overlap = settings.load().sync.overlap_days if overlap_days is None else overlap_days
    names = tables_to_sync()
    done = [sync_table(name, as_of=as_of, today=clock.today(), overlap_days=overlap) for name in names]
    counts = {
        f"{count}_{each.table}": float(getattr(each, count))
        for each in done
        for count in ("new", "changed", "quarantined")
    }
    records.measure(as_of, "sync", counts)
    for each in done:
        if each.table == "sales" and each.problem:
            raise SourceError(each.problem)
    return done

"""Make a run's model or forecast again from what is on record, and compare byte for byte."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows import local
from lib.errors import ReplayError
from tasks.replay import Replayed, receipts_of
from tasks.replay import replay as make_again

Run = Annotated[str, Field(description="identifier of the run, as in the tables runs, publications and receipts")]

local.without_heartbeats()


@flow
def replay(*, run: Run) -> list[Replayed]:
    """Rebuild all that the run made; fails naming the first diverging table, column and row."""
    done = [make_again(receipt) for receipt in receipts_of(run)]
    differing = [each for each in done if not each.equal]
    if differing:
        lines = (f"{each.what} came out differently: {'; '.join((each.detail, *each.notes))}" for each in differing)
        raise ReplayError("\n".join(lines))
    return done

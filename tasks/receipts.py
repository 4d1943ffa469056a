"""What made each model and forecast, so that it can be made again."""

import json
from datetime import date

import polars as pl
from prefect import task

from lib.adapters.registry import Registered
from lib.contracts import OUTPUTS
from tasks import context
from tasks.policies import LAKE

RECEIPTS = OUTPUTS["receipts"]


@task(task_run_name="keep-receipt-{kind}", **LAKE)
def keep(kind: str, result: str, *, as_of: date, versions: dict[str, int], model: Registered | None) -> None:
    """Note what the running run made and from what, once."""
    lake, run = context.lake(), context.run_id()
    same = (pl.col("run_id") == run) & (pl.col("kind") == kind) & (pl.col("result") == result)
    if lake.scan(RECEIPTS).filter(same).select(pl.len()).collect().item():
        return
    row = {
        "run_id": run,
        "as_of": as_of,
        "kind": kind,
        "result": result,
        "model": model.title if model else None,
        "model_content": model.content if model else None,
        "versions": json.dumps(versions, sort_keys=True),
        "recipe": context.in_force().recipe.model_dump_json(),
        "code": context.code_version(),
        "libraries": json.dumps(context.libraries(), sort_keys=True),
    }
    lake.append(RECEIPTS, pl.DataFrame([row], schema=RECEIPTS.schema))

"""Forecast the coming days and publish."""

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from tasks import demand, receipts, records
from tasks.forecast import (
    Published,
    make_forecast,
    model_in_use,
    night_verdicts,
    publish,
    still_there,
    warn_without_model,
)
from tasks.train import table_versions


@process
def forecast(*, as_of: AsOf = LAST_ENDED_DAY) -> Published:
    """Forecast every live series with the model in use, and make the forecast the live one."""
    versions, model, verdicts = table_versions(), model_in_use(as_of=as_of), night_verdicts(as_of=as_of)
    made = make_forecast(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    if not still_there(made, as_of=as_of):
        again = make_forecast.with_options(refresh_cache=True)
        made = again(as_of=as_of, versions=versions, model=model, verdicts=verdicts)
    warn_without_model(made, model, as_of=as_of)
    used, read = None if made.unfit else model, {**versions, "verdicts": verdicts.version}
    receipts.keep("forecast", made.forecast_id, as_of=as_of, versions=read, model=used)
    published = publish(made, as_of=as_of, at=clock.now())
    sold_out = demand.written_down(as_of=as_of, versions=versions)
    rows = {f"rows_{method}": float(count) for method, count in made.by_method.items()}
    records.measure(as_of, "forecast", {**rows, "sold_out_days_estimated": sold_out})
    return published

"""Two nights of a real bakery chain: sync, train, forecast, books, mails, dashboard."""

import sys
from datetime import date
from time import monotonic

from flows.daily import daily
from flows.weekly import weekly
from lib.errors import SettingsError
from tasks import context
from tasks.monitor import recent_accuracy

FIRST, SECOND = date(2019, 4, 16), date(2019, 4, 23)


def demo() -> str:
    """Train as of 2019-04-16, then run the nights of 2019-04-16 and 2019-04-23, so that the second scores the first.

    The sales are those of a real bakery chain, bundled with Fournil; the managers are made up.
    """
    if context.in_force().source != context.DEMO:
        message = "the demo runs on the bundled bakery: unset FOURNIL_SOURCE, or run `python -m flows daily` on yours"
        raise SettingsError(message)
    began = monotonic()
    _say("start-up, and a model trained on three years of sales")
    weekly(as_of=FIRST)
    _say(f"the night of {FIRST:%A %d %B %Y}")
    daily(as_of=FIRST)
    _say(f"the night of {SECOND:%A %d %B %Y}, one week on")
    daily(as_of=SECOND)
    return _summary(monotonic() - began)


def _say(text: str) -> None:
    print(f"- {text} ...", file=sys.stderr, flush=True)


def _summary(seconds: float) -> str:
    found = recent_accuracy(as_of=SECOND)
    home = context.home()
    book = min((home / "books").glob(f"*{SECOND.replace(day=24)}*.xlsx"))
    return f"""
Done in {seconds:.0f} s: {found["rows"]:,.0f} forecasts of Easter week 2019, scored on what was then sold.

                      accuracy (FA)      bias   waste and lost sales
  Fournil             {found["fa"]:>12.1%} {found["bias"]:>+9.1%} {found["cost"]:>18,.0f}
  mean of 4 weekdays  {found["fa_incumbent"]:>12.1%} {found["bias_incumbent"]:>+9.1%} {found["cost_incumbent"]:>18,.0f}

  FA is 1 - sum of errors / sum of sales; a bias below 0 means too little was forecast.
  Waste and lost sales: of the first day's orders, as if each unit sold at 1.00, cost 0.30 to make and 0.20 of goodwill.

Look at
  a manager's book    {book}
  the mails           {home / "outbox"}
  the dashboard       {home / "dashboard.html"}
  the data checks     {home / "data_docs" / "index.html"}

Try next
  .venv/bin/python -m flows daily --as-of 2019-04-24     the night after; it syncs one more day
  .venv/bin/python -m flows backtest --first-origin 2019-01-01 --last-origin 2019-04-16
  .venv/bin/python -m flows --help                       everything else
  README.md, "Your own data"                             a source.toml of a dozen lines brings it in
"""

"""Bring the live publication to the managers."""

from flows import clock
from flows.process import LAST_ENDED_DAY, AsOf, process
from lib.errors import LakeError
from tasks import context, records
from tasks.deliver import Delivery, deliver_book, live_publication, nobody_to_mail


@process
def deliver(*, as_of: AsOf = LAST_ENDED_DAY) -> list[Delivery]:
    """Write each manager's workbook and mail it, once per manager and publication."""
    publication_id = live_publication(as_of=as_of)
    if publication_id is None:
        message = f"nothing is published as of {as_of}: run `python -m flows forecast --as-of {as_of}` first"
        raise LakeError(message)
    if not context.managers():
        nobody_to_mail(as_of=as_of)
    states = [
        deliver_book(manager, publication_id=publication_id, at=clock.now(), return_state=True)
        for manager in context.managers()
    ]
    sent = [state.result() for state in states if state.is_completed()]
    records.measure(as_of, "deliver", {"mails_sent": sum(each.outcome == "sent" for each in sent)})
    return sent + [state.result() for state in states if not state.is_completed()]

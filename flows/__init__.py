"""When: one business process per file."""

from contextlib import suppress

from flows import local
from lib import settings
from lib.errors import SettingsError

# Settings that do not fit are told where they are used: nothing runs with them.
with suppress(SettingsError):
    local.prepare(settings.load())

"""How a mail leaves the house: as a file in an outbox, or by SMTP through yagmail."""

import io
import mimetypes
import os
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_string, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from lib.errors import FournilError

if TYPE_CHECKING:
    from lib.settings import Mail

Security: TypeAlias = Literal["starttls", "tls", "none"]

_TIMEOUT = 30
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LATER = range(400, 500)
_WIRE = policy.SMTP.clone(cte_type="7bit")


class MailError(FournilError):
    """The mail was refused, or cannot be sent with these settings: the same attempt would fail again."""


class TransientMailError(MailError):
    """The mail did not leave this time, and the same attempt may succeed later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address; `sent_at` becomes its Date, `message_id` its identity however often it is sent."""

    to: str
    subject: str
    text: str
    html: str
    attachment_name: str
    attachment: bytes = field(repr=False)
    message_id: str
    sent_at: datetime


class Transport(Protocol):
    """A way out of the house."""

    def send(self, letter: Letter) -> str:
        """Hand over the letter and say where it went; TransientMailError if it may be tried again, MailError if not."""
        ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes each letter as one .eml file, which any mail program opens; the same letter gives the same file."""

    folder: str
    sender: str

    def send(self, letter: Letter) -> str:
        """Write the letter whole or not at all."""
        _, wire = _prepared(_client(self.sender, {"password": ""}), letter)
        name = f"{quote(letter.message_id.strip('<>'), safe='@')}.eml"
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            _write(Path(self.folder) / name, wire.encode("ascii"))
        except OSError as error:
            message = f"outbox {self.folder} cannot be written: {error.strerror or error}"
            raise MailError(message) from error
        return f"written to {name}"


@dataclass(frozen=True, slots=True)
class Smtp:
    """Sends through a mail server; without a password it does not log in."""

    sender: str
    host: str
    port: int
    security: Security = "starttls"
    password: SecretStr | str | None = field(default=None, repr=False)
    ca_file: str | None = None

    def send(self, letter: Letter) -> str:
        """Hand the letter to the server; its answer is in the error when it declines."""
        client = _client(self.sender, self._connection())
        try:
            recipients, wire = _prepared(client, letter)
            with _explained(f"{self.host}:{self.port}"):
                client.login()
                # yagmail's queue is its public way to send a finished message. One letter has one recipient, and
                # smtplib raises when every recipient is refused, so no partial refusal can hide in the queue.
                client.unsent.append((recipients, wire))
                client.send_unsent()
        finally:
            client.close()
        if client.unsent:
            message = f"mail server {self.host}:{self.port} hung up each time the mail was handed over"
            raise TransientMailError(message)
        return f"accepted by {self.host}:{self.port}"

    def _connection(self) -> dict[str, Any]:
        secret = self.password.get_secret_value() if isinstance(self.password, SecretStr) else self.password
        if secret and self.security == "none":
            message = "mail.security is none: the password would cross the network in the clear; use starttls or tls"
            raise MailError(message)
        # smtplib checks no certificate unless it is given a context that does.
        context = None if self.security == "none" else _trust(self.ca_file)
        return {
            "password": secret,
            "host": self.host,
            "port": self.port,
            "smtp_starttls": {"context": context} if self.security == "starttls" else False,
            "smtp_ssl": self.security == "tls",
            "smtp_skip_login": not secret,
            "timeout": _TIMEOUT,
            **({"context": context} if self.security == "tls" else {}),
        }


def transport_for(mail: "Mail") -> Transport:
    """The transport that the settings name."""
    if mail.transport == "outbox":
        return Outbox(mail.outbox, mail.sender)
    return Smtp(mail.sender, mail.host, mail.port, mail.security, mail.password, mail.ca_file)


def _client(sender: str, connection: dict[str, Any]) -> Any:  # noqa: ANN401 - yagmail ships no types
    import yagmail
    from yagmail.error import YagInvalidEmailAddress

    name, address = parseaddr(sender)
    try:
        client = yagmail.SMTP({address: name or "Fournil"}, **connection)
    except YagInvalidEmailAddress as error:
        message = f"mail.sender {sender!r} is not a mail address"
        raise MailError(message) from error
    # What goes wrong is raised, with its reason: yagmail's own lines on stderr would only repeat it.
    client.set_logging(None)
    return client


def _prepared(client: Any, letter: Letter) -> tuple[list[str], str]:  # noqa: ANN401 - yagmail ships no types
    """Recipients and message as they go over the wire, built by yagmail."""
    import yagmail
    from yagmail.error import YagInvalidEmailAddress

    # Python's own table may not know the type, and yagmail then sends a file without type and name.
    mimetypes.add_type(_SPREADSHEET, ".xlsx")
    book = io.BytesIO(letter.attachment)
    book.name = letter.attachment_name
    try:
        recipients, built = client.prepare_send(
            to=letter.to,
            subject=" ".join(letter.subject.split()),
            contents=[yagmail.raw(letter.html)],
            attachments=[book],
            headers={"Date": format_datetime(letter.sent_at)},
            prettify_html=False,
            message_id=letter.message_id,
        )
    except YagInvalidEmailAddress as error:
        message = f"{letter.to!r} is not a mail address"
        raise MailError(message) from error
    return recipients, _with_twins(built, letter)


def _with_twins(built: str, letter: Letter) -> str:
    """Set text and HTML as composed: yagmail puts the HTML's tags into the text and `<br>` into the HTML's lines."""
    mail = message_from_string(built, policy=policy.default)
    for kind, content in (("plain", letter.text), ("html", letter.html)):
        part = mail.get_body((kind,))
        if not isinstance(part, EmailMessage):
            message = f"yagmail built a mail without a text/{kind} part"
            raise MailError(message)
        part.set_content(content, subtype=kind, cte="quoted-printable")
        del part["MIME-Version"]
    identity = quote(letter.message_id.strip("<>"), safe="").replace("%", ".")[:40]
    for position, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{position}_{identity}")
    return mail.as_string(policy=_WIRE)


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        message = f"mail.ca_file {ca_file} cannot be used: {error.strerror or error}"
        raise MailError(message) from error


@contextmanager
def _explained(server: str) -> Iterator[None]:
    """Turn what smtplib and the network raise into errors that say whether a retry makes sense."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        (address, (code, said)), *_ = error.recipients.items()
        raise _refusal(server, address, code, said) from error
    except smtplib.SMTPAuthenticationError as error:
        raise _refusal(server, "the login", error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(server, "the mail", error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPServerDisconnected as error:
        message = f"mail server {server} hung up: {error}"
        raise TransientMailError(message) from error
    except smtplib.SMTPException as error:
        message = f"mail server {server} cannot be used as mail.security says: {error}"
        raise MailError(message) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        message = f"mail server {server} broke off the encrypted connection"
        raise TransientMailError(message) from error
    except ssl.SSLError as error:
        message = f"no encrypted connection to {server} ({error.reason}): see mail.security and mail.ca_file"
        raise MailError(message) from error
    except OSError as error:
        message = f"mail server {server} cannot be reached: {error.strerror or error}"
        raise TransientMailError(message) from error


def _refusal(server: str, what: str, code: int, said: bytes | str) -> MailError:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    message = f"mail server {server} refused {what}: {code} {' '.join(words.split())[:200]}"
    return TransientMailError(message) if code in _LATER or code < 0 else MailError(message)


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step that survives a power cut."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from lib.adapters.mailbox import Letter, MailError, Outbox, Smtp, TransientMailError, transport_for
from lib.settings import Mail
from tests.real_parts import require

PASSWORD = "croissant-4711"  # noqa: S105 - of the test's own mail server
SENDER = "fournil@bakery.example"
LETTER = Letter(
    to="anna@bakery.example",
    subject="Bäckerei: forecast for Wednesday 1 May 2019",
    text="Guten Morgen Anna Müller,\n\n- 702 units & more\n",
    html="<p>Guten Morgen <b>Anna Müller</b></p>\n<p>702 units &amp; more</p>\n",
    attachment_name="Bakery_2019-05-01_Anna.xlsx",
    attachment=b"PK\x03\x04 stands for a workbook",
    message_id="<0123abcd@fournil>",
    sent_at=datetime(2019, 5, 1, 2, 30, tzinfo=UTC),
)


@dataclass
class Desk:
    """What the mail server on loopback answers, and what reached it."""

    recipient: str = "250 OK"
    data: str = "250 OK"
    hangs_up: bool = False
    received: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        del session
        assert isinstance(envelope.content, bytes)
        self.received.append(envelope.content)
        if self.hangs_up:
            transport: Any = server.transport
            transport.abort()
        return self.data


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    running: list[Controller] = []

    def start(desk: Desk, **options: Any) -> int:  # noqa: ANN401 - aiosmtpd's own options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        controller = Controller(desk, hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop(), **options)
        controller.start()
        running.append(controller)
        return port

    yield start
    for controller in running:
        controller.stop()
        controller.loop.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = [*("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1")]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([require("openssl"), *request, *names], check=True, capture_output=True)
    return key, certificate


def encrypted(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


def doorman(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401
    del server, session, envelope, mechanism
    known = LoginPassword(SENDER.encode(), PASSWORD.encode())
    return AuthResult(success=data == known, handled=False)


def plain(port: int) -> Smtp:
    return Smtp(SENDER, "127.0.0.1", port, "none")


def guarded(serve: Callable[..., int], desk: Desk, certificate: tuple[Path, Path]) -> Smtp:
    context = encrypted(certificate)
    port = serve(desk, tls_context=context, require_starttls=True, authenticator=doorman, auth_required=True)
    return Smtp(SENDER, "127.0.0.1", port, "starttls", SecretStr(PASSWORD), str(certificate[1]))


def opened(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def assert_is_the_letter(mail: EmailMessage) -> None:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    (attachment,) = mail.iter_attachments()
    assert text is not None
    assert html is not None
    assert (mail["Subject"], mail["To"]) == (LETTER.subject, LETTER.to)
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert mail["Message-ID"] == LETTER.message_id
    assert mail["Date"].datetime == LETTER.sent_at
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n") == LETTER.html
    assert attachment.get_filename() == LETTER.attachment_name
    assert attachment.get_content_type() == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert attachment.get_content() == LETTER.attachment


def test_a_letter_in_the_outbox_is_a_mail_with_text_html_and_book(tmp_path: Path) -> None:
    detail = Outbox(str(tmp_path / "new"), SENDER).send(LETTER)
    (file,) = (tmp_path / "new").iterdir()
    assert_is_the_letter(opened(file.read_bytes()))
    assert detail == f"written to {file.name}"


def test_a_letter_sent_twice_is_one_file_with_the_same_bytes(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path), SENDER)
    outbox.send(LETTER)
    (first,) = [file.read_bytes() for file in tmp_path.iterdir()]
    outbox.send(LETTER)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [first]


def test_letters_of_different_identity_are_different_files(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path), SENDER)
    for identity in ("<a/b@fournil>", "<../b@fournil>", "<a_b@fournil>"):
        outbox.send(replace(LETTER, message_id=identity))
    assert len(list(tmp_path.iterdir())) == 3
    assert list(tmp_path.parent.glob("*.eml")) == []


def test_an_outbox_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(MailError, match=r"outbox .*taken cannot be written"):
        Outbox(str(tmp_path / "taken"), SENDER).send(LETTER)


def test_a_subject_of_several_lines_cannot_add_a_header(tmp_path: Path) -> None:
    Outbox(str(tmp_path), SENDER).send(replace(LETTER, subject="Forecast\nBcc: spy@elsewhere.example"))
    (file,) = tmp_path.iterdir()
    mail = opened(file.read_bytes())
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Forecast Bcc: spy@elsewhere.example"


def test_a_plain_server_receives_the_letter_as_composed(serve: Callable[..., int]) -> None:
    desk = Desk()
    port = serve(desk)
    assert plain(port).send(LETTER) == f"accepted by 127.0.0.1:{port}"
    (raw,) = desk.received
    assert_is_the_letter(opened(raw))


def test_a_server_with_starttls_and_login_receives_the_letter(
    serve: Callable[..., int], certificate: tuple[Path, Path]
) -> None:
    desk = Desk()
    guarded(serve, desk, certificate).send(LETTER)
    assert_is_the_letter(opened(desk.received[0]))


def test_a_server_with_tls_from_the_start_receives_the_letter(
    serve: Callable[..., int], certificate: tuple[Path, Path]
) -> None:
    desk = Desk()
    port = serve(desk, ssl_context=encrypted(certificate))
    Smtp(SENDER, "127.0.0.1", port, "tls", None, str(certificate[1])).send(LETTER)
    assert_is_the_letter(opened(desk.received[0]))


def test_a_wrong_password_is_final_and_told_nowhere(
    serve: Callable[..., int], certificate: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk()
    transport = replace(guarded(serve, desk, certificate), password="wrong-4712")  # noqa: S106 - wrong on purpose
    with pytest.raises(MailError, match="refused the login: 535") as caught:
        transport.send(LETTER)
    assert not isinstance(caught.value, TransientMailError)
    assert "wrong-4712" not in "".join((str(caught.value), repr(transport), *capfd.readouterr()))
    assert desk.received == []


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password(
    serve: Callable[..., int], certificate: tuple[Path, Path]
) -> None:
    desk = Desk()
    with pytest.raises(MailError, match=r"mail\.ca_file") as caught:
        replace(guarded(serve, desk, certificate), ca_file=None).send(LETTER)
    assert not isinstance(caught.value, TransientMailError)
    assert desk.received == []


def test_a_missing_certificate_file_is_named() -> None:
    with pytest.raises(MailError, match=r"mail\.ca_file no-such\.pem cannot be used"):
        Smtp(SENDER, "127.0.0.1", 1, "starttls", None, "no-such.pem").send(LETTER)


def test_a_password_never_crosses_the_network_in_the_clear(serve: Callable[..., int]) -> None:
    desk = Desk()
    with pytest.raises(MailError, match="in the clear"):
        replace(plain(serve(desk)), password=SecretStr(PASSWORD)).send(LETTER)


def test_a_server_without_starttls_is_not_used_when_encryption_is_asked_for(serve: Callable[..., int]) -> None:
    desk = Desk()
    with pytest.raises(MailError, match=r"cannot be used as mail\.security says") as caught:
        Smtp(SENDER, "127.0.0.1", serve(desk), "starttls").send(LETTER)
    assert not isinstance(caught.value, TransientMailError)
    assert desk.received == []


def test_a_recipient_the_server_does_not_know_is_final(serve: Callable[..., int]) -> None:
    desk = Desk(recipient="550 no such mailbox")
    with pytest.raises(MailError, match=r"refused anna@bakery\.example: 550 no such mailbox") as caught:
        plain(serve(desk)).send(LETTER)
    assert not isinstance(caught.value, TransientMailError)
    assert desk.received == []


@pytest.mark.parametrize("answer", ["450 mailbox busy", "421 shutting down"])
def test_a_recipient_the_server_puts_off_may_be_tried_again(serve: Callable[..., int], answer: str) -> None:
    with pytest.raises(TransientMailError, match=answer):
        plain(serve(Desk(recipient=answer))).send(LETTER)


def test_a_mail_the_server_puts_off_may_be_tried_again(serve: Callable[..., int]) -> None:
    with pytest.raises(TransientMailError, match="refused the mail: 452 disk full"):
        plain(serve(Desk(data="452 disk full"))).send(LETTER)


def test_a_mail_the_server_rejects_is_final(serve: Callable[..., int]) -> None:
    with pytest.raises(MailError, match="refused the mail: 552 too big") as caught:
        plain(serve(Desk(data="552 too big"))).send(LETTER)
    assert not isinstance(caught.value, TransientMailError)


def test_a_server_that_hangs_up_each_time_sees_one_identity_and_may_be_tried_again(serve: Callable[..., int]) -> None:
    desk = Desk(hangs_up=True)
    with pytest.raises(TransientMailError, match="hung up"):
        plain(serve(desk)).send(LETTER)
    assert {opened(raw)["Message-ID"] for raw in desk.received} == {LETTER.message_id}
    assert len(desk.received) == 3


def test_a_server_that_is_down_may_be_tried_again() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with pytest.raises(TransientMailError, match="cannot be reached: Connection refused"):
        plain(port).send(LETTER)


@pytest.mark.parametrize("address", ["nobody", "a@b@c"])
def test_what_is_no_address_is_refused_before_anything_is_sent(tmp_path: Path, address: str) -> None:
    with pytest.raises(MailError, match="is not a mail address"):
        Outbox(str(tmp_path), SENDER).send(replace(LETTER, to=address))
    assert list(tmp_path.iterdir()) == []


def test_the_settings_choose_the_way_out() -> None:
    smtp = Mail(transport="smtp", sender=SENDER, host="mail.example", port=465, security="tls", password=PASSWORD)
    assert transport_for(Mail(outbox="letters", sender=SENDER)) == Outbox("letters", SENDER)
    assert transport_for(smtp) == Smtp(SENDER, "mail.example", 465, "tls", SecretStr(PASSWORD))
    assert PASSWORD not in repr(transport_for(smtp))

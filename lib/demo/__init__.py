"""A real bakery chain to try everything on. Its managers are made up."""

from pathlib import Path

from lib.settings import Manager

BAKERY = Path(__file__).parent / "bakery"
"""Folder of the bundled data; SOURCE.md there says where they come from."""


def managers() -> tuple[Manager, ...]:
    """Three made-up managers with a few stores each."""
    return (
        Manager(name="Marie Example", email="marie@example.com", stores=("2", "3", "4", "17", "19", "20")),
        Manager(name="Jonas Example", email="jonas@example.com", stores=("22", "24", "48", "49", "50")),
        Manager(name="Head Office Example", email="head.office@example.com"),
    )

"""The page on the architecture shows the rooms as they are."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
spec = importlib.util.spec_from_file_location("rooms", DOCS / "_ext" / "rooms.py")
rooms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rooms)


def test_the_picture_and_the_table_are_those_of_the_code():
    again = "run python docs/_ext/rooms.py"
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture(), again
    text = rooms.PAGE.read_text(encoding="utf-8")
    assert text == rooms.page(text), again


def test_every_room_says_what_it_is():
    assert all(rooms.meaning(room) for layer in rooms.floors(rooms.graph()) for room in layer)
    assert all(rooms.meaning(room) for room in rooms.GROUND)

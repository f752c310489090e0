"""The log of ends: what is written, what each process reads, and what is ended again after Redis lost a part."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from oidc_gate.store.polling import Announced
from oidc_gate.store.redis.calls import Call
from oidc_gate.store.redis.ends import MAX_RECENT, End, EndLog, _entries, _order
from oidc_gate.store.redis.store import RedisStore

from .conftest import NOW, Make
from .fake_redis import FakeRedis

KEY, OTHER = b"k" * 32, b"o" * 32
LOG, BIRTH = b"oidc_gate:{ends}:log", b"oidc_gate:{ends}:birth"
BORN = f"{NOW}.".encode()


class Reader:
    """A process that follows the log."""

    def __init__(self, store: RedisStore, replicas: int = 0) -> None:
        self.ended_again: list[Sequence[End]] = []
        self.log = EndLog("oidc_gate", lambda: NOW + 0.9, self.ended_again.append, replicas)
        self._calls = store._calls

    @property
    def call(self) -> Call:
        return self._calls.begin()

    def ask(self, position: bytes | None, seconds: float = 0.01) -> Announced:
        return self.log.ask(self._calls, position, seconds)


@pytest.fixture
def reader(store: RedisStore) -> Reader:
    return Reader(store)


def test_a_new_reader_begins_at_the_newest_entry(fake: FakeRedis, reader: Reader) -> None:
    first = reader.ask(None)
    birth = fake.data[BIRTH]
    assert birth.startswith(BORN)
    assert first == Announced(birth + b"|1700000000001-0", ())
    reader.log.announce(reader.call, [End(KEY)])
    assert reader.ask(None) == Announced(birth + b"|1700000000002-0", ())


def test_what_follows_is_reported_once_and_in_order(fake: FakeRedis, reader: Reader) -> None:
    start = reader.ask(None).position
    assert reader.ask(start) == Announced(start, ())
    reader.log.announce(reader.call, [End(KEY), End(b"alice", "sub", NOW, NOW + 60)])
    found = reader.ask(start)
    assert found == Announced(fake.data[BIRTH] + b"|1700000000003-0", (KEY, b"alice"))
    assert reader.ask(found.position) == Announced(found.position, ())
    reader.log.announce(reader.call, [End(b""), End(OTHER)])
    assert reader.ask(found.position).keys is None, "everything"


def test_how_long_it_waits(fake: FakeRedis, reader: Reader) -> None:
    start = reader.ask(None).position
    for seconds in (0.002, 0.0):
        reader.ask(start, seconds)
    reader.log.announce(reader.call, [End(KEY)])
    assert reader.ask(start, 60).keys == (KEY,), "at once, because there is one"
    waits = [words for words in fake.commands if words[0] == b"XREAD"]
    entry = start.partition(b"|")[2]
    expected = [b"XREAD", b"COUNT", b"1000", b"BLOCK", b"2", b"STREAMS", LOG, entry]
    assert waits == [[*expected[:4], wait, *expected[5:]] for wait in (b"2", b"1", b"60000")], (
        "0 would mean for ever"
    )


def test_another_redis_has_nothing_to_end_again(fake: FakeRedis, reader: Reader) -> None:
    start = reader.ask(None).position
    reader.log.announce(reader.call, [End(KEY)])
    position = reader.ask(start).position
    fake.flush()
    found = reader.ask(position)
    assert found == Announced(fake.data[BIRTH] + b"|1700000000003-0", None)
    assert reader.ended_again == []


def test_what_redis_has_lost_is_ended_again(
    fake: FakeRedis, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    start = reader.ask(None).position
    ends = [End(KEY), End(OTHER), End(b""), End(b"alice", "sub", NOW, NOW + 60)]
    reader.log.announce(reader.call, ends)
    position = reader.ask(start).position
    for number in (3, 4, 5):
        del fake.data[LOG][b"1700000000%03d-0" % number]
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        found = reader.ask(position)
    assert found == Announced(fake.data[BIRTH] + b"|1700000000002-0", None)
    assert reader.ended_again == [[ends[1], ends[3]]]
    oldest = b"1700000000002-0"
    assert [words for words in fake.commands if words[0] == b"XRANGE"] == [
        [b"XRANGE", LOG, oldest, b"+", b"COUNT", b"10000"]
    ]
    assert caplog.record_tuples == [
        ("oidc_gate.store", logging.WARNING, "Redis lost the ends of 2 sessions; they are ended again")
    ]
    reader.log.announce(reader.call, [End(b"later")])
    del fake.data[LOG][b"1700000000002-0"]
    del fake.data[LOG][b"1700000000006-0"]
    reader.ask(found.position)
    assert reader.ended_again[1:] == [[ends[0], End(b"later")]], "those that were ended again are not again"


def test_what_another_process_announced_is_ended_again_by_those_that_read_it(
    fake: FakeRedis, reader: Reader, store: RedisStore
) -> None:
    start = reader.ask(None).position
    Reader(store).log.announce(reader.call, [End(KEY), End(b"alice", "sub", NOW, NOW + 60)])
    position = reader.ask(start).position
    for entry in list(fake.data[LOG])[-2:]:
        del fake.data[LOG][entry]
    assert reader.ask(position).keys is None
    assert reader.ended_again == [[End(KEY), End(b"alice", "sub", NOW, NOW + 60)]]


def test_a_reader_that_knows_nothing_has_nothing_to_end_again(
    fake: FakeRedis, reader: Reader, store: RedisStore, caplog: pytest.LogCaptureFixture
) -> None:
    Reader(store).log.announce(reader.call, [End(KEY)])
    position = reader.ask(None).position
    fake.data[LOG].clear()
    assert reader.ask(position).keys is None
    assert (reader.ended_again, caplog.messages) == ([], [])


def test_an_entry_that_was_trimmed_while_it_is_the_newest_is_no_loss(fake: FakeRedis, reader: Reader) -> None:
    position = fake.data.setdefault(BIRTH, b"1.a") + b"|0-0"
    assert reader.ask(position) == Announced(position, ())
    assert reader.ended_again == []


def test_since_when_redis_has_its_data(reader: Reader) -> None:
    assert reader.log.born(reader.call, NOW - 5) == NOW - 5
    assert reader.log.born(reader.call, NOW) == NOW - 5


@pytest.mark.parametrize(
    ("confirmed", "messages"),
    [(2, []), (3, []), (1, ["only 1 of 2 replicas confirmed in time that sessions were ended"])],
)
def test_an_end_waits_for_replicas(
    fake: FakeRedis, store: RedisStore, caplog: pytest.LogCaptureFixture, confirmed: int, messages: list[str]
) -> None:
    reader, fake.confirmed = Reader(store, replicas=2), confirmed
    with caplog.at_level(logging.WARNING, "oidc_gate.store"):
        reader.log.announce(reader.call, [End(KEY)])
    assert fake.commands[-1] == [b"WAIT", b"2", b"100"]
    assert caplog.messages == messages
    Reader(store).log.announce(reader.call, [End(KEY)])
    assert fake.commands[-1][0] == b"EVAL"


def test_what_was_lost_is_dropped_kept_and_announced_again(fake: FakeRedis, make: Make) -> None:
    store = make()
    fake.data[f"oidc_gate:row:{KEY.hex()}".encode()] = {b"v": b"1", b"e": b"1", b"l": b"1", b"i": b""}
    store._end_again([End(KEY), End(b"alice", "sub", NOW - 7, NOW + 60)])
    assert f"oidc_gate:row:{KEY.hex()}".encode() not in fake.data
    (kept,) = fake.data[b"oidc_gate:{sub}:kept"].values()
    assert kept.split(b" ")[:2] == [b"%d" % (NOW - 7), b"%d" % (NOW + 60)]
    fields = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in fake.data[LOG].values()]
    assert fields == [
        {b"k": KEY, b"t": b"", b"a": b"", b"u": b""},
        {b"k": b"alice", b"t": b"sub", b"a": b"%d" % (NOW - 7), b"u": b"%d" % (NOW + 60)},
    ]


def test_both_forms_of_an_answer() -> None:
    fields = {b"k": KEY, b"t": b"sub", b"a": b"5", b"u": b""}
    flat = [part for pair in fields.items() for part in pair]
    for each in (fields, flat):
        assert _entries([[LOG, [[b"1-0", each]]]]) == {b"1-0": End(KEY, "sub", 5, 0)}
    assert _entries(None) == {}


def test_entries_are_ordered_by_numbers() -> None:
    assert sorted([b"10-0", b"9-1", b"9-0", b"9-10"], key=_order) == [b"9-0", b"9-1", b"9-10", b"10-0"]


def test_it_remembers_the_newest_ends(reader: Reader) -> None:
    reader.log.announce(reader.call, [End(b"%d" % number) for number in range(MAX_RECENT + 1)])
    assert len(reader.log._recent) == MAX_RECENT == 5000
    assert reader.log._recent[0][1].key == b"1"

"""The state machine by itself: its effects and answers, wrong calls, and bytes that no node ever sent."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from quantumsync import BadValueError, Client, DeadlineError, Node, QuantumSyncError, UnreachableError, Vault, sansio
from quantumsync.sansio import Conn, Now

START = Now(0, 1_800_000_000_000)


def later(now: Now, mono_us: int) -> Now:
    """The time when the monotonic clock stands there."""
    return Now(mono_us, now.unix_ms + (mono_us - now.mono_us) // 1000)


class Alone:
    """A machine whose peer takes every dial and what is sent, and answers nothing but what a test makes it answer."""

    def __init__(self, machine: sansio.Client) -> None:
        self.machine = machine
        self.now = START
        self.rows = sansio.MemoryRows()
        self.links: list[Conn] = []
        self.sent = b""
        self.events: list[sansio.Event] = []

    def perform(self) -> None:
        for output in self.machine.outputs():
            match output:
                case sansio.Dial(conn=conn, address=address):
                    self.machine.handle_connected(self.now, conn, address, bytes(32))
                    self.links.append(conn)
                case sansio.Send(conn=conn, data=data):
                    self.sent += data
                    self.machine.handle_sent(self.now, conn, len(data))
                case sansio.Close(conn=conn):
                    self.links.remove(conn)
                    self.machine.handle_disconnected(self.now, conn)
                case sansio.ReadRows(ticket=ticket, keys=keys):
                    self.machine.handle_rows(self.now, ticket, self.rows.read(keys))
                case sansio.WriteRows(ticket=ticket, rows=rows):
                    self.rows.write(rows)
                    self.machine.handle_written(self.now, ticket)
                case sansio.Job():
                    self.machine.handle_job(self.now, output.run())
                case _:
                    self.events.append(output)

    def end(self) -> sansio.Event:
        """Lets time pass until the operation has ended."""
        self.perform()
        while not any(isinstance(event, (sansio.Done, sansio.Failed)) for event in self.events):
            due = self.machine.poll_timeout()
            assert due is not None, "every operation has a deadline"
            self.now = later(self.now, max(due, self.now.mono_us))
            self.machine.handle_timeout(self.now)
            self.perform()
        return self.events[-1]


@pytest.fixture
def machine(node: Node, vault: Vault) -> sansio.Client:
    return sansio.Client(START, node.invite(), vault, device=bytes(32), seed=bytes(32))


def test_the_same_inputs_give_the_same_bytes(node: Node, vault: Vault) -> None:
    sent = []
    for _ in range(2):
        alone = Alone(sansio.Client(START, node.invite(), vault, device=bytes(32), seed=bytes(32)))
        alone.machine.status(alone.now)
        alone.perform()
        sent.append(alone.sent)
    assert sent[0] == sent[1] != b""


def test_an_operation_that_nobody_answers_ends(machine: sansio.Client) -> None:
    alone = Alone(machine)
    op = machine.get(START, "key")
    failed = alone.end()
    assert isinstance(failed, sansio.Failed) and failed.op == op
    assert isinstance(failed.error, (DeadlineError, UnreachableError, PermissionError))


def test_a_dial_that_fails_ends_an_operation(machine: sansio.Client) -> None:
    machine.status(START)
    now, failed = START, None
    while failed is None:
        for output in machine.outputs():
            if isinstance(output, sansio.Dial):
                machine.handle_dial_failed(now, output.conn)
            elif isinstance(output, sansio.Failed):
                failed = output
        if failed is None:
            due = machine.poll_timeout()
            assert due is not None
            now = later(now, max(due, now.mono_us))
            machine.handle_timeout(now)
    assert isinstance(failed.error, UnreachableError)


def test_hostile_bytes_end_a_link_and_nothing_else(node: Node, vault: Vault) -> None:
    choice = random.Random(11)
    for length in [1, 2, 3, 48, 50, 1000, 70_000]:
        for _ in range(20):
            machine = sansio.Client(START, node.invite(), vault)
            alone = Alone(machine)
            machine.get(START, "key")
            alone.perform()
            data = choice.randbytes(length)
            while data and alone.links:
                cut = choice.randint(1, len(data))
                machine.handle_received(alone.now, alone.links[-1], data[:cut])
                data = data[cut:]
                alone.perform()
            assert isinstance(alone.end(), sansio.Failed)


def test_a_wrong_call_is_a_value_error_and_has_no_effect(machine: sansio.Client) -> None:
    alone = Alone(machine)
    op = machine.status(START)
    alone.perform()
    [conn] = alone.links
    wrong: list[Callable[[], None]] = [
        lambda: machine.provide(START, op, b"x"),
        lambda: machine.finish(START, 999),
        lambda: machine.consumed(START, op, 1),
        lambda: machine.handle_connected(START, conn, "127.0.0.1:1"),
        lambda: machine.handle_sent(START, conn, 1_000_000),
        lambda: machine.handle_rows(START, 77, []),
        lambda: machine.handle_written(START, 77),
        lambda: machine.handle_disk_failed(START, 77),
    ]
    for call in wrong:
        with pytest.raises(BadValueError) as caught:
            call()
        assert caught.value.code == "misuse"
    assert isinstance(alone.end(), sansio.Failed)


def test_a_job_runs_once(machine: sansio.Client) -> None:
    op = machine.store(START, "key")
    room = 0
    for output in machine.outputs():
        if isinstance(output, sansio.ReadRows):
            machine.handle_rows(START, output.ticket, [None] * len(output.keys))
        elif isinstance(output, sansio.NeedData):
            room = output.max
    machine.provide(START, op, random.Random(12).randbytes(room))
    machine.finish(START, op)
    jobs = [output for output in machine.outputs() if isinstance(output, sansio.Job)]
    result = jobs[0].run()
    with pytest.raises(BadValueError):
        jobs[0].run()
    machine.handle_job(START, result)
    with pytest.raises(BadValueError):
        machine.handle_job(START, result)


@pytest.mark.parametrize("address", ["", "localhost:1", "127.0.0.1", "127.0.0.1:99999", "::1:5"])
def test_an_entry_is_an_ip_and_a_port(node: Node, vault: Vault, address: str) -> None:
    with pytest.raises(BadValueError):
        sansio.Client(START, node.invite(), vault, entry=[(None, address)])


def test_wrong_types_are_type_errors(machine: sansio.Client, node: Node) -> None:
    with pytest.raises(TypeError):
        machine.get(0, "key")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        machine.provide(START, 1, "text")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        machine.finish(START, -1)
    with pytest.raises(OverflowError):
        Now(-1, 0)
    with pytest.raises(BadValueError, match="32 bytes"):
        sansio.Client(START, node.invite(), seed=b"short")


def test_a_machine_without_a_vault_only_looks(node: Node) -> None:
    alone = Alone(sansio.Client(START, node.invite()))
    alone.machine.get(START, "key")
    failed = alone.end()
    assert isinstance(failed, sansio.Failed) and isinstance(failed.error, QuantumSyncError)


def test_values_show_what_they_are_and_nothing_secret(machine: sansio.Client, client: Client) -> None:
    machine.status(START)
    for output in machine.outputs():
        assert repr(output).startswith(type(output).__name__)
    assert repr(START) == "Now(mono_us=0, unix_ms=1800000000000)" and Now(0, START.unix_ms) == START
    assert repr(machine) == "<sansio.Client>"
    client.store("key", b"secret")
    assert "secret" not in repr(client.info("key")) and "size=6" in repr(client.info("key"))

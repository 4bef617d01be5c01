"""A message that comes again: the same bytes are a resend and change nothing; the same control id with other bytes is another message, and flagged."""

from collections.abc import Mapping, Set
from typing import Literal

from streams.record import Record

Repeat = Literal["new", "resend", "reused_control_id"]
Name = tuple[str, str]
"""(sender, control id): what HL7 promises to be unique (HL7 2.5.1, 2.15.9.10)."""


def name_of(record: Record) -> Name | None:
    """What a message calls itself; None where it leaves out its control id or says no sender: then only its bytes tell."""
    return (record.sent_by, record.control_id) if record.sent_by and record.control_id else None


def repeat_of(record: Record, fingerprints: Set[int], named: Mapping[Name, Set[int]]) -> Repeat:
    """What a record is to those before it. `fingerprints`: of messages recorded; `named`: the fingerprints that each name came with.

    The same bytes are a resend whatever they are called. A name that comes with other bytes is processed like any other: senders restart
    their counters, and a potassium is not to be lost for that; but it is told, for an engine that uses a number twice loses messages elsewhere.
    """
    if record.fingerprint in fingerprints:
        return "resend"
    name = name_of(record)
    return "reused_control_id" if name is not None and named.get(name, frozenset()) - {record.fingerprint} else "new"

"""The data contract: what one HL7 message says of one patient, as typed events.

Every value is as it was sent; `canonical` is what Vigil works with. Times are aware datetimes with the offset that was
sent or assumed; nothing here is ever a default for something that was absent: absent is None, HL7's explicit null (`""`) is
the flag `null`.
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

Cancelled = Literal["admit", "transfer", "discharge"]

ObservationStatus = Literal["preliminary", "final", "corrected", "deleted", "wrong", "incomplete"]
"""HL7 table 0085: P, R, S, B → preliminary; F, U, N, V → final; C → corrected; D → deleted; W → wrong; I, O, X → incomplete (no result)."""


class Canonical(Struct, frozen=True, kw_only=True):
    """The quantity Vigil works with: a LOINC code and a number in the UCUM unit fixed for that code in `parsers/codes.py`.

    `value_text` holds coded answers (AVPU: one of A C V P U); exactly one of `value_num` and `value_text` is set.
    """

    code: str
    value_num: float | None = None
    unit: str | None = None
    value_text: str | None = None


class Observation(Struct, frozen=True, kw_only=True, tag_field="kind", tag="observation"):
    """One OBX: code, number and unit exactly as sent, and the canonical quantity where code, unit and range are understood.

    `observed_at`: OBX-14, else OBR-7, else MSH-7; None only where none of them was sent. `result_key`: what a correction
    replaces: filler (else placer) order number, OBX-3 and OBX-4; None where no order number was sent.
    `flags`: why `canonical` is None or of less use: `unmapped_code unmapped_unit impossible_value comparator not_numeric no_time
    no_time_zone null`, further ones may be added.
    """

    code: str
    code_system: str | None
    display: str | None = None
    value_type: str | None = None
    value_num: float | None
    value_text: str | None
    comparator: str | None
    unit: str | None
    observed_at: datetime | None
    status: ObservationStatus
    set_id: str | None
    sub_id: str | None
    result_key: str | None = None
    note: str | None = None
    flags: tuple[str, ...] = ()
    canonical: Canonical | None = None


class Location(Struct, frozen=True, kw_only=True):
    """PV1-3: point of care, room, bed and facility as sent."""

    unit: str | None = None
    room: str | None = None
    bed: str | None = None
    facility: str | None = None


class Visit(Struct, frozen=True, kw_only=True):
    """What PV1 says: visit number (PV1-19, else PID-18), patient class (HL7 table 0004: I inpatient, E emergency, O outpatient …), location, attending."""

    encounter_id: str | None = None
    patient_class: str | None = None
    location: Location | None = None
    attending: str | None = None
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None


class Person(Struct, frozen=True, kw_only=True):
    """What PID says that scores need. Never a name: Vigil does not keep names."""

    birth_date: date | None = None
    sex: Literal["F", "M"] | None = None
    died_at: datetime | None = None


class Admit(Struct, frozen=True, kw_only=True, tag_field="kind", tag="admit"):
    """A01 or A04: a visit begins."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Transfer(Struct, frozen=True, kw_only=True, tag_field="kind", tag="transfer"):
    """A02: the patient moves to `visit.location`."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Discharge(Struct, frozen=True, kw_only=True, tag_field="kind", tag="discharge"):
    """A03: the visit ends."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Update(Struct, frozen=True, kw_only=True, tag_field="kind", tag="update"):
    """A08 and its kin: what is known of the person or visit changes; it never moves a patient."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Cancel(Struct, frozen=True, kw_only=True, tag_field="kind", tag="cancel"):
    """A11 cancels the admission, A12 the transfer (`visit.location` is the one before), A13 the discharge (the visit is open again)."""

    cancels: Cancelled
    occurred_at: datetime | None
    visit: Visit
    person: Person


class Merge(Struct, frozen=True, kw_only=True, tag_field="kind", tag="merge"):
    """A40: everything known under `from_key` belongs to the patient of this message."""

    occurred_at: datetime | None
    from_key: str


class Order(Struct, frozen=True, kw_only=True, tag_field="kind", tag="order"):
    """One ORC with its OBR: what was asked for. `control` is HL7 table 0119, `status` table 0038, `priority` table 0485 (S, A, R …)."""

    control: str | None
    placer_number: str | None
    filler_number: str | None
    code: str | None
    code_system: str | None
    display: str | None
    status: str | None
    priority: str | None
    ordered_at: datetime | None


class Note(Struct, frozen=True, kw_only=True, tag_field="kind", tag="note"):
    """An MDM document: TXA's type, identifiers and status (table 0271), and the text of its OBX segments, escapes decoded."""

    document_id: str | None
    parent_document_id: str | None
    document_type: str | None
    status: str | None
    author: str | None
    written_at: datetime | None
    text: str


Event = Observation | Admit | Transfer | Discharge | Update | Cancel | Merge | Order | Note

"""The data contract: what one HL7 message says of a patient, as typed events.

Every value is as it was sent; `canonical` is what Vigil works with. Times are aware datetimes with the offset that was
sent or assumed; nothing here is ever a default for something that was absent: absent is None, HL7's explicit null (`""`) is
the flag `null`.

An event is about the patient of the `parsers.message.Message` or `Subject` that holds it. A message about several patients (a swap of
beds, several merges, results of two people) has the first in `Message.patient` and `events`, every other one, with person, visit and
events of its own, in `Message.others`: who forgets them loses them, but nobody's potassium is ever taken for another's.

The structs are out of the garbage collector's sight (`gc=False`): they hold nothing that could lead back to them, and there are many.
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

Cancelled = Literal["admit", "transfer", "discharge", "leave", "return"]

Section = Literal["account", "visit"]
"""What MRG speaks of: an account (PID-18, MRG-3), which may hold several visits, or one visit (PV1-19, MRG-5)."""

ObservationStatus = Literal["preliminary", "final", "corrected", "deleted", "wrong", "incomplete"]
"""HL7 table 0085: P, R, S, B → preliminary; F, U, V → final; C → corrected; D → deleted; W → wrong; I, N, O, X → incomplete (no result)."""


class Canonical(Struct, frozen=True, kw_only=True, gc=False):
    """The quantity Vigil works with: a LOINC code and a number in the UCUM unit fixed for that code in `parsers/codes.py`.

    `value_text` holds coded answers (AVPU: one of A C V P U); exactly one of `value_num` and `value_text` is set.
    """

    code: str
    value_num: float | None = None
    unit: str | None = None
    value_text: str | None = None


class Structured(Struct, frozen=True, kw_only=True, gc=False):
    """An SN of two numbers: a range (`10-20`), a ratio or titre (`1:128`) or a category (`2+`, no second number). Never scored."""

    first: float | None
    separator: str
    second: float | None = None


class Observation(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="observation"):
    """One OBX: code, number and unit exactly as sent, and the canonical quantity where code, unit and range are understood.

    `observed_at`: OBX-14, else OBR-7, else MSH-7; None only where none of them was sent. `result_key`: what a correction
    replaces: filler (else placer) order number, OBX-3 and OBX-4; None where no order number was sent. `parent_key`: the `result_key` of the result that asked for this one (OBR-29 and OBR-26).
    `interpretation`: OBX-8 (HL7 table 0078: H, L, S, R …), repetitions joined by a space; `reference_range`: OBX-7, as sent.
    `flags`: why `canonical` is None or of less use: `unmapped_code unmapped_unit impossible_value comparator not_numeric no_time
    no_time_zone date_only null range ratio no_own_time of_specimen cut_short by_reference`, further ones may be added.
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
    structured: Structured | None = None
    interpretation: str | None = None
    reference_range: str | None = None
    parent_key: str | None = None


class Location(Struct, frozen=True, kw_only=True, gc=False):
    """PV1-3: point of care, room, bed and facility as sent."""

    unit: str | None = None
    room: str | None = None
    bed: str | None = None
    facility: str | None = None


class Visit(Struct, frozen=True, kw_only=True, gc=False):
    """What PV1 says: visit number (PV1-19, else PID-18), patient class (HL7 table 0004: I inpatient, E emergency, O outpatient …), location, attending.

    `previous_location`: PV1-6; `temporary_location`: PV1-11, where a patient is for a while without leaving the bed; `disposition`: PV1-36
    (table 0112; 20 and beyond: died).
    """

    encounter_id: str | None = None
    patient_class: str | None = None
    location: Location | None = None
    previous_location: Location | None = None
    temporary_location: Location | None = None
    attending: str | None = None
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    disposition: str | None = None


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """What PID says that scores need. Never a name: Vigil does not keep names."""

    birth_date: date | None = None
    sex: Literal["F", "M"] | None = None
    died_at: datetime | None = None
    dead: bool | None = None


class Admit(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="admit"):
    """A01 or A04: a visit begins."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Transfer(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="transfer"):
    """A02, A06, A07 with a place, A10 to a bed, and each patient of an A17: the patient moves to `visit.location`."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Discharge(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="discharge"):
    """A03: the visit ends."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Update(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="update"):
    """A08 and its kin (plans that are no movement yet among them): what is known of the person or visit changes; it never moves a patient."""

    occurred_at: datetime | None
    visit: Visit
    person: Person


class Cancel(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="cancel"):
    """A11 cancels the admission, A12 the transfer (`visit.location` is the one before), A13 the discharge (the visit is open again).

    A52 cancels a leave of absence, A53 the return from it.
    """

    cancels: Cancelled
    occurred_at: datetime | None
    visit: Visit
    person: Person


class Leave(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="leave"):
    """A21: the patient goes on leave of absence, the bed and visit are kept. A22: `returned`, the patient is back."""

    returned: bool
    occurred_at: datetime | None
    visit: Visit
    person: Person


class Tracking(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="tracking"):
    """A09 (departs) and A10 (arrives) for a while, for an examination say: the bed stays the patient's; `visit.temporary_location` says where."""

    arrived: bool
    occurred_at: datetime | None
    visit: Visit
    person: Person


class Merge(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="merge"):
    """A18, A30, A34, A36, A39, A40: everything known under `from_key` belongs to the patient of this message.

    `renumbered` (A46, A47): it is the same, but no two records meet: the patient has a new identifier. A43 gives this too, where the
    identifier that moves is another than before.
    """

    occurred_at: datetime | None
    from_key: str
    renumbered: bool = False


class MergeVisit(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="merge_visit"):
    """A35, A41, A42: what was known of visit or account `from_encounter_id` belongs to `encounter_id` of the same patient. A49, A50: `renumbered`."""

    section: Section
    occurred_at: datetime | None
    from_encounter_id: str
    encounter_id: str
    renumbered: bool = False


class Move(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="move"):
    """A44 (account) and A45 (visit): what was filed under the patient `from_key` by mistake is this patient's: that visit's facts, no others.

    `from_encounter_id` is the number it had, `encounter_id` the one it has now.
    """

    section: Section
    occurred_at: datetime | None
    from_key: str
    from_encounter_id: str
    encounter_id: str


class Member(Struct, frozen=True, kw_only=True, gc=False):
    """One clinician of a treatment team: `role` is attending, referring, consulting or admitting (PV1-7, 8, 9, 17), else ROL-3 or PRT-4 as sent.

    `identifier` with its `authority`: never a name.
    """

    role: str
    identifier: str
    authority: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None


class Team(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="team"):
    """Who treats the patient in this visit, as far as this message says; a role that is not named is not over."""

    occurred_at: datetime | None
    encounter_id: str | None
    members: tuple[Member, ...]


class Allergy(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="allergy"):
    """One IAM (A60) or AL1: `action` A added, D deleted, U changed, X unchanged (table 0206), None for AL1, which lists what is known.

    `type`: table 0127 (DA drug, FA food …); `severity`: table 0128 (SV, MO, MI, U).
    """

    action: str | None
    type: str | None
    code: str | None
    code_system: str | None
    display: str | None
    severity: str | None
    reaction: str | None
    recorded_at: datetime | None


class CodeStatus(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="code_status"):
    """What is to be done at an arrest, where a feed says it: PV2-45, PD1-15 (table 0435), PV2-41 (table 0433, N), or an OBX that is named so.

    `resuscitate` is None where the code as sent is not understood, or where the earlier statement is withdrawn (`withdrawn`).
    """

    code: str | None
    code_system: str | None
    display: str | None
    resuscitate: Literal["full", "limited", "none"] | None
    withdrawn: bool = False
    stated_in: str
    stated_at: datetime | None


class Precaution(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="precaution"):
    """One precaution (PV2-41, table 0433), or a state that changes how the patient is watched (PV1-15, table 0009: B6 pregnant)."""

    code: str | None
    code_system: str | None
    display: str | None
    stated_in: str
    stated_at: datetime | None


class Order(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="order"):
    """One ORC with its detail segment: what was asked for. `control` is HL7 table 0119, `status` table 0038, `priority` table 0485 (S, A, R …)."""

    control: str | None
    placer_number: str | None
    filler_number: str | None
    code: str | None
    code_system: str | None
    display: str | None
    status: str | None
    priority: str | None
    ordered_at: datetime | None
    ordered_by: str | None = None
    parent_number: str | None = None


class Medication(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="medication"):
    """A drug, fluid or gas that was ordered (RXO, RXE), dispensed (RXD) or given (RXA); `not_given` where RXA-20 says refused or not administered.

    `dose_num` in `dose_unit`, `rate_num` in `rate_unit`, as sent (RXE-23 and 24, RXA-12 in one); `therapy`: what it means for a deteriorating patient, by the
    drug's name or ATC code, None where it is none of these or not known. `control`, `status`: as for an order; `started_at`: when it is to
    begin or was given. `completion`: RXA-20 (table 0322: CP, PA, RE, NA).
    """

    action: Literal["ordered", "dispensed", "given", "not_given"]
    code: str | None
    code_system: str | None
    display: str | None
    therapy: Literal["antibiotic", "vasopressor", "fluid", "oxygen"] | None
    dose_num: float | None
    dose_unit: str | None
    rate_num: float | None
    rate_unit: str | None
    route: str | None
    started_at: datetime | None
    ended_at: datetime | None
    control: str | None
    status: str | None
    placer_number: str | None
    filler_number: str | None
    priority: str | None
    completion: str | None = None


class Note(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="note"):
    """A document: an MDM with TXA's type, identifiers and status (table 0271), or a report sent as ORU (status: OBR-25, table 0123). Escapes decoded.

    `action` is what it does to the documents known (MDM T01–T11): `new`; `status` changes that of `document_id` without a new text;
    `addendum` adds to `parent_document_id`; `edit` is a new text of `document_id`; `replacement` stands for `parent_document_id`, which is
    obsolete; `cancel` takes `document_id` back. `author` TXA-9 (else TXA-5) or OBR-32; `authenticated_by` TXA-22 or OBR-33; `availability`: table 0273.
    `references`: what came as ED or RP beside the text, told and not held.
    """

    document_id: str | None
    parent_document_id: str | None
    document_type: str | None
    status: str | None
    author: str | None
    written_at: datetime | None
    text: str
    action: Literal["new", "status", "addendum", "edit", "replacement", "cancel"] = "new"
    authenticated_by: str | None = None
    availability: str | None = None
    document_title: str | None = None
    references: tuple[str, ...] = ()


class Culture(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="culture"):
    """A microbiology order's result as a whole: what was taken when, and how far it is (OBR-25). Its OBX are observations as well."""

    order_number: str | None
    code: str | None
    code_system: str | None
    display: str | None
    specimen: str | None
    collected_at: datetime | None
    status: ObservationStatus


class Organism(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="organism"):
    """An organism found, or the statement that none was (`grew` False): `result_key` is that of its OBX, which susceptibilities name as parent."""

    order_number: str | None
    result_key: str | None
    code: str | None
    code_system: str | None
    display: str | None
    grew: bool
    observed_at: datetime | None
    status: ObservationStatus


class Susceptibility(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="susceptibility"):
    """How one organism bears one drug: `interpretation` S, I, R, SDD, NS (table 0078); `value_num` is the MIC or zone with `comparator` and `unit`.

    `organism`: its name, where the parent's OBX is in the same message or OBR-26 says it.
    """

    parent_key: str | None
    organism: str | None
    code: str | None
    code_system: str | None
    display: str | None
    interpretation: str | None
    value_num: float | None
    comparator: str | None
    unit: str | None
    observed_at: datetime | None
    status: ObservationStatus


Movement = Admit | Transfer | Discharge | Update | Cancel | Leave | Tracking
Fact = Team | Allergy | CodeStatus | Precaution
Finding = Observation | Culture | Organism | Susceptibility
Event = Movement | Merge | MergeVisit | Move | Fact | Finding | Order | Medication | Note

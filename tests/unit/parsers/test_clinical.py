"""Microbiology, reports, documents, orders and drugs."""

from datetime import UTC, datetime

import pytest

from parsers.documents import ACTIONS
from parsers.drugs import therapy_of
from parsers.events import Culture, Event, Medication, Note, Observation, Order, Organism, Susceptibility
from parsers.read import read
from tests.corpus import EVN, MESSAGES, PID, PV1, message, oru, segment


def events(raw: bytes) -> list[Event]:
    found = read(raw)
    assert found.ack == "AA", found.reason
    return list(found.events)


def test_a_culture_its_organisms_and_what_they_bear() -> None:
    found = events(MESSAGES["microbiology"])
    [culture] = [event for event in found if isinstance(event, Culture)]
    assert (culture.order_number, culture.specimen, culture.status) == ("F1", "Blood", "final")
    assert culture.collected_at == datetime(2026, 2, 28, 7, tzinfo=UTC)
    grown, not_grown = [event for event in found if isinstance(event, Organism)]
    assert (grown.display, grown.code, grown.code_system, grown.grew) == ("Escherichia coli", "112283007", "SCT", True)
    assert not_grown.grew is False
    first, second = [event for event in found if isinstance(event, Susceptibility)]
    assert (first.organism, first.display, first.interpretation, first.comparator, first.value_num, first.unit) == (
        "Escherichia coli", "Ampicillin", "R", ">=", 32, "ug/mL",
    )  # fmt: skip
    assert (second.interpretation, second.value_num) == ("S", 1)
    assert first.parent_key == grown.result_key == "F1|600-7|1"
    assert sum(isinstance(event, Observation) for event in found) == 4


def test_a_panels_results_name_the_result_that_asked_for_them() -> None:
    parents = [event.parent_key for event in events(MESSAGES["microbiology"]) if isinstance(event, Observation)]
    assert parents == [None, None, "F1|600-7|1", "F1|600-7|1"]


@pytest.mark.parametrize("service", ["85353-1^Vital signs^LN", "HSTNT^High sensitivity troponin T^L", "FIT^Agricultural panel^L"])
def test_a_blood_test_is_no_culture(service: str) -> None:
    found = events(
        oru(f"OBR|1||F1|{service}", "OBX|1|NM|10839-9^Troponin^LN||40|ng/L||R|||F", "OBX|2|ST|X^Culture result^L||positive||||||F")
    )
    assert [event for event in found if not isinstance(event, Observation)] == []


@pytest.mark.parametrize(
    "service",
    [
        "BC^Blood culture^L",
        "UMCS^Urine microscopy, C&S^L",
        "ABS^Antibiotic sensitivities^L",
        "MRSA^MRSA screen^L",
        "BK^Blutkultur^L",
        "HC^Hémoculture^L",
    ],
)
def test_a_culture_is_known_by_its_words(service: str) -> None:
    assert any(isinstance(event, Culture) for event in events(oru(f"OBR|1||F1|{service}", "OBX|1|ST|ORG^Organism^L||No growth||||||F")))


def test_the_lines_of_a_radiology_report_are_one_note() -> None:
    [note] = [event for event in events(MESSAGES["report"]) if isinstance(event, Note)]
    assert (note.text, note.author, note.authenticated_by) == ("Clear lungs.\nNo acute disease.", "R77", "R78")
    assert (note.document_id, note.status, note.action, note.document_title) == ("F3", "F", "new", "Chest X-ray")
    assert note.written_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(("status", "action"), [("P", "new"), ("F", "new"), ("C", "edit"), ("X", "cancel")])
def test_a_corrected_report_is_an_edit_of_the_one_before(status: str, action: str) -> None:
    [note] = [event for event in events(MESSAGES["report"].replace(b"||RAD|F|", f"||RAD|{status}|".encode())) if isinstance(event, Note)]
    assert (note.action, note.document_id) == (action, "F3")


def test_an_addendum_alone_adds() -> None:
    raw = MESSAGES["report"].replace(b"71020&GDT", b"71020&ADT").replace(b"71020&IMP", b"71020&ADT")
    [note] = [event for event in events(raw) if isinstance(event, Note)]
    assert note.action == "addendum"


def test_a_comment_beside_a_number_is_no_report() -> None:
    found = events(
        oru("OBR|1||F1|X^Panel^L", "OBX|1|NM|2823-3^Potassium^LN||4.2|mmol/L|||||F", "OBX|2|TX|C^Comment^L||slightly haemolysed||||||F")
    )
    assert all(isinstance(event, Observation) for event in found)


def test_answers_in_words_are_no_report_and_lines_of_one_code_are() -> None:
    answers = [
        f"OBX|{number}|TX|{code}^{code}^L||{text}||||||F"
        for number, (code, text) in enumerate([("AVPU", "Alert"), ("O2", "Yes"), ("SITE", "Axillary")])
    ]
    assert all(isinstance(event, Observation) for event in events(oru("OBR|1||F1|VS^Vital signs^L", *answers)))
    lines = [f"OBX|{number}|TX|ECHO^Echo^L||line {number}||||||F" for number in range(3)]
    [note] = [event for event in events(oru("OBR|1||F1|ECHO^Echo^L", *lines)) if isinstance(event, Note)]
    assert note.text == "line 0\nline 1\nline 2"


@pytest.mark.parametrize(("trigger", "action"), sorted(ACTIONS.items()))
def test_each_document_message_says_what_it_does(trigger: str, action: str) -> None:
    [note] = events(MESSAGES["document"].replace(b"MDM^T06", f"MDM^{trigger}".encode()))
    assert isinstance(note, Note)
    assert note.action == action


def test_a_document_has_its_authors_and_its_parent() -> None:
    [note] = events(MESSAGES["document"])
    assert isinstance(note, Note)
    assert (note.document_id, note.parent_document_id, note.status, note.availability) == ("DOC2", "DOC1", "LA", "AV")
    assert (note.author, note.authenticated_by, note.document_type, note.document_title) == ("D1", "D7", "PN", "Progress note")
    assert note.text == "Addendum: feels better.\nSeen & examined."


def test_a_document_by_reference_is_told_and_not_held() -> None:
    raw = message(
        "MDM^T02",
        EVN.format(trigger="T02"),
        PID,
        PV1,
        segment("TXA", {1: "1", 2: "DS", 12: "D1"}),
        "OBX|1|ED|||^application^pdf^Base64^AAAA",
        "OBX|2|RP|||http^x",
    )
    [note] = events(raw)
    assert isinstance(note, Note)
    assert (note.text, note.references) == ("", ("application/pdf, 4 characters", "http"))


def test_an_ordered_drug_is_an_order_and_a_medication() -> None:
    order, drug = events(MESSAGES["medication"])
    assert isinstance(order, Order)
    assert (order.placer_number, order.priority, order.ordered_by, order.code) == ("P5", "S", "D9", "J01CR05")
    assert drug == Medication(
        action="ordered", code="J01CR05", code_system="ATC", display="Piperacillin-tazobactam", therapy="antibiotic", dose_num=4, dose_unit="g",
        rate_num=8, rate_unit="g/h", route="IV", started_at=datetime(2026, 3, 1, 11, tzinfo=UTC), ended_at=datetime(2026, 3, 7, 23, tzinfo=UTC),
        control="NW", status="IP", placer_number="P5", filler_number="F5", priority="S",
    )  # fmt: skip


def test_a_drug_that_was_given_and_one_that_was_not() -> None:
    given, refused = events(MESSAGES["given"])
    assert isinstance(given, Medication)
    assert isinstance(refused, Medication)
    assert (given.action, given.therapy, given.dose_num, given.completion) == ("given", "vasopressor", 8, "CP")
    assert (given.started_at, given.ended_at) == (datetime(2026, 3, 1, 10, 45, tzinfo=UTC), datetime(2026, 3, 1, 10, 46, tzinfo=UTC))
    assert (refused.action, refused.dose_num, refused.completion) == ("not_given", None, "RE")


def test_a_record_of_giving_that_is_taken_back_was_not_given() -> None:
    first, *_ = events(MESSAGES["given"].replace(b"|CP\r", b"|CP|D\r"))
    assert isinstance(first, Medication)
    assert first.action == "not_given"


@pytest.mark.parametrize(
    ("name", "therapy"),
    [
        ("Norepinephrine 8 mg in NaCl 0.9 %", "vasopressor"), ("noradrenaline", "vasopressor"), ("VASOPRESSIN 20 UNITS", "vasopressor"),
        ("DOPamine", "vasopressor"), ("Lidocaine with epinephrine", None), ("Epinephrine eye drops", None),
        ("cefTRIAXone 1 g", "antibiotic"), ("Meropenem", "antibiotic"), ("Vancomycin in D5W", "antibiotic"), ("Bleomycin", None), ("Mitomycin", None),
        ("Ciprofloxacin ear drops", None), ("Co-trimoxazole", "antibiotic"), ("Penicillamine", None), ("amoxicillin 500 mg", "antibiotic"),
        ("Sodium chloride 0.9 % 1000 mL", "fluid"), ("Lactated Ringer's", "fluid"), ("Sodium chloride 0.9 % flush", None), ("Potassium in NaCl 0.9 %", None),
        ("Albumin 20 %", "fluid"), ("Oxygen", "oxygen"), ("Paracetamol", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_drug_means_for_one_who_may_deteriorate(name: str, therapy: str | None) -> None:
    assert therapy_of("", "", name) == therapy


def test_an_infusion_is_what_is_in_it() -> None:
    raw = message("RDE^O11", PID, "ORC|NW|1", "RXE||NS^Sodium chloride 0.9 % 250 mL^L|1||mL", "RXC|A|NE^Norepinephrine^L|8|mg")
    _, drug = events(raw)
    assert isinstance(drug, Medication)
    assert drug.therapy == "vasopressor"


def test_each_order_has_its_own_priority_and_numbers() -> None:
    found = events(
        message("OML^O21", PID, "ORC|NW|P1|F1", "TQ1|1||||||||S", "OBR|1|||A^A^L", "ORC|NW|P2|F2", "OBR|1|||B^B^L", "OBR|2|P3||C^C^L")
    )
    assert [(event.placer_number, event.priority, event.code) for event in found if isinstance(event, Order)] == [
        ("P1", "S", "A"), ("P2", None, "B"), ("P2", None, "C"),
    ]  # fmt: skip


def test_an_order_without_results_yet_says_how_far_it_is() -> None:
    [order] = events(oru(segment("OBR", {1: "1", 2: "P1", 3: "F1", 4: "K^Potassium^L", 25: "I"})))
    assert isinstance(order, Order)
    assert (order.filler_number, order.status, order.code) == ("F1", "I", "K")


def test_a_specimen_that_comes_first_is_of_the_order_after_it() -> None:
    [event] = events(MESSAGES["specimen first"])
    assert isinstance(event, Observation)
    assert event.canonical is None


def test_what_is_measured_on_the_specimen_is_not_the_patients() -> None:
    *_, event = events(
        oru("OBR|1||F1|E^E^L", "OBX|1|NM|2951-2^Sodium^LN||140|mmol/L|||||F", "SPM|1|||SER^Serum", "OBX|1|NM|T^Temperature^L||21|Cel|||||F")
    )
    assert isinstance(event, Observation)
    assert (event.canonical, "of_specimen" in event.flags) == (None, True)


def test_what_is_to_be_given_when_is_an_order_with_its_rate() -> None:
    found = read(
        message(
            "RGV^O15", PID, PV1, "ORC|RE|P5|F5||IP", "RXE||NE^Norepinephrine^L|4||mg",
            segment("RXG", {1: "1", 4: "NE^Norepinephrine^L", 5: "8", 7: "mg", 15: "0.1", 16: "ug/kg/min"}), "RXR|IV",
        )
    )  # fmt: skip
    order, dose = found.events
    assert isinstance(order, Order)
    assert isinstance(dose, Medication)
    assert (order.placer_number, order.code, dose.action, dose.therapy) == ("P5", "NE", "ordered", "vasopressor")
    assert (dose.dose_num, dose.dose_unit, dose.rate_num, dose.rate_unit) == (8, "mg", 0.1, "ug/kg/min")


@pytest.mark.parametrize(
    ("kind", "detail", "code"),
    [
        ("OMI^O23", "OBR|1|P7||CT^CT of the chest^L", "CT"),
        ("OMD^O03", "ODS|D||NPO^Nothing by mouth^L", "NPO"),
        ("OMB^O27", "BPO|1|PRBC^Packed red cells^L", "PRBC"),
        ("OML^O39", "OBR|1|P7||K^Potassium^L", "K"),
    ],
)
def test_orders_of_every_department_are_orders(kind: str, detail: str, code: str) -> None:
    [order] = read(message(kind, PID, "ORC|NW|P7", detail)).events
    assert isinstance(order, Order)
    assert (order.placer_number, order.code) == ("P7", code)

"""Bytes to events: MLLP framing, HL7 v2 reading, codes and units, acknowledgements."""

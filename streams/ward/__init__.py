"""The simulated ward: patients of plausible physiology, as the HL7 their hospital would send."""

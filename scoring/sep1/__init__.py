"""CMS SEP-1, the early management bundle of severe sepsis and septic shock: which element is due when, met, missed or not asked for."""

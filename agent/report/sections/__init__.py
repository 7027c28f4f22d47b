"""The chapters of the report: one module each, with the constant `SECTION`."""

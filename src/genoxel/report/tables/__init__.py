"""The tables of the report: every printed number stands in one of them."""

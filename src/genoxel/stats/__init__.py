"""Statistics on plain arrays: arrays in, arrays out; no table type is known here."""

"""The steps of a study, one file each; every step asks the ledger first."""

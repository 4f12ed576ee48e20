"""Hot loops: small pure functions compiled by numba, each tested against a slow readable version."""

"""Features of a region: one decorated function each, catalogued with IBSI code, unit, formula and reference.

>>> from genoxel.features.catalog import catalog
>>> [record.name for record in catalog() if record.code == "GYBY"]
['joint_maximum']
"""

"""`genoxel selftest`: what the installed pipeline does where the truth is known."""

from __future__ import annotations

from genoxel.study.selftest.rows import Row, SelfTest
from genoxel.study.selftest.run import AREAS, selftest

__all__ = ["AREAS", "Row", "SelfTest", "selftest"]

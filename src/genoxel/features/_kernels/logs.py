"""Logarithms of small counts, so that entropies of matrices need no logarithm of their own."""

import numpy as np

LOG2 = np.concatenate([np.zeros(1), np.log2(np.arange(1.0, 4096.0))])
"""Base 2 logarithms of 0 to 4095 (0 stands for that of 0, which no count asks for)."""

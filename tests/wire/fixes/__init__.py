"""Fixes planned and made against the simulated AWS, over HTTP."""

"""Fixes: how each thing that fails would be put right, as changes."""

"""Decides, touches nothing: facts, rules and findings as values."""

"""Fixes, each against tables of what AWS answers."""

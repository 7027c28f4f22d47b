"""Tests of the simulated AWS: it must behave as AWS does where a check depends on it."""

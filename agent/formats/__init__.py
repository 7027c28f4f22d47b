"""One file an output format: pure functions from a report to text."""

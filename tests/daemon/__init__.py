"""The agent itself, as a process, against the simulated AWS."""

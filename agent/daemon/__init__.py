"""The agent as a process: when it sweeps, what it publishes, how it starts and ends."""

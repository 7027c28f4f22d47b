"""The simulated AWS: moto put right, and an estate with planted drift."""

"""The simulated AWS, for what runs from the wheel."""

from tests.sandbox_server import sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

"""The simulated AWS for the tests of this folder."""

from tests.sandbox_server import sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

"""`python -m agent.sandbox`: the simulated AWS on a port of this machine."""

from agent.sandbox.server import main

main()

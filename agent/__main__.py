"""`python -m agent` is `trailkeeper`."""

from agent.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

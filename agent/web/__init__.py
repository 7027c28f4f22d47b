"""HTTP: metrics, health, pages and API on one port. Read-only."""

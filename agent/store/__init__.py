"""The store: findings, their history and the sweeps, on SQLite or PostgreSQL."""

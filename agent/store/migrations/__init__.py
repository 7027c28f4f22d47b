"""The schema of the store from version to version, run by alembic when a store is opened."""

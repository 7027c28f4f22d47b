"""Audit logs into tables: what lies in S3 or a folder, record by record, as Parquet."""

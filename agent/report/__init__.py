"""The monthly report: what the audit logs of one cluster say about one month."""

"""The one door to AWS: clients, credentials, limits, retries and errors."""

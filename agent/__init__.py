"""The shell around `controls`: reads AWS, judges, and publishes."""

__version__ = "0.1.0"

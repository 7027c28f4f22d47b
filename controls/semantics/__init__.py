"""What AWS documents mean: pure functions of lifecycles, policies, parameters and keys."""

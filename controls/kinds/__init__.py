"""One file a kind of resource: how it is listed, and what can be known about it."""

"""Use cases, one module each: the only place with product rules."""

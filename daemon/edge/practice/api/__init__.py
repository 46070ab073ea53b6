"""The wire and the sessions of the practice router's API."""

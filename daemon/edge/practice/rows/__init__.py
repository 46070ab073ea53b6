"""The rows a practice router holds and what its commands do to them. No socket, no kernel."""

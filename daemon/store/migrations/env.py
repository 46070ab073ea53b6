"""Alembic insists on this file; the product runs its migrations through `daemon.store.migrate` alone."""

raise SystemExit("migrations run inside the program: pregonero does it at its start")

"""The office's town, for papers of real invoices."""

from tests.office.conftest import store, town

__all__ = ["store", "town"]

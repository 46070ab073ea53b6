"""Invoices on paper: one, a month of them, how they look, and the series that number them."""

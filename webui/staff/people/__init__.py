"""Clients and all that hangs on one: services, billing, invoices, payments, suspensions."""

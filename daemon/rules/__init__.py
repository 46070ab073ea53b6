"""Floor 1, pure rules: money, calendar, invoices, standing, notices.

Nothing here knows a clock, a socket or a database: the day, the facts and the settings are arguments, and
the same arguments give the same answer for ever. See each module for the law or row that it implements.
"""

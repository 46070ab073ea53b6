"""Billing settings put on many clients at once: whom and what (`wish`), what it would change (`preview`),
doing it and taking it back (`run`).
"""

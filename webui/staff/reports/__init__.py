"""Payments of all, reports, the audit: pages that add up, and their files."""

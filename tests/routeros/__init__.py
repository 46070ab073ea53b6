"""The RouterOS driver: its words, its patience, and what it leaves on a router."""

"""Routers, and what is asked of them."""

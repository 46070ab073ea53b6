"""RouterOS over its API: our own pipelining voice, and librouteros as a second one that proves what the
first did.
"""

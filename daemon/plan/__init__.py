"""Pure: what a router should hold, how that differs from what it holds, and whether the difference is too
surprising to send.
"""

"""A page that is changed: the notice's own bytes, the compressed stream, mitmproxy's HTTP layers."""


class Rejected(ValueError):
    """mitmproxy's layers did not take a head."""

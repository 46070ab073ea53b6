"""The plan room: what a router should hold, and the steps to there."""

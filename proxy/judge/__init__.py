"""Pure deciders: bytes and names in, a verdict out. No socket, no clock, no state but their own."""

"""The loops under Twisted: each looks again when the bell rings or its time has come, and asks office or driver."""

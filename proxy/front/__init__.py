"""One connection, from accept to the last byte."""

"""The whole product, running: what a newcomer would see, asserted on packets and pages."""

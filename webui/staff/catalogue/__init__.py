"""Lists that other rows name: plans, zones, payment methods."""

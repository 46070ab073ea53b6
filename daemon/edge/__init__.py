"""What stands between the store and the routers: drivers, and the practice router they are tried on."""

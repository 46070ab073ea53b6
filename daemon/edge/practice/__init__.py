"""A RouterOS API server to practise on."""

"""The subscribers' pages: Flask application."""

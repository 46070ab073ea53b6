"""The staff's pages: Flask application, one blueprint a noun."""

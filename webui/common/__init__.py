"""What both web applications share: store, words, forms, headers, error pages."""

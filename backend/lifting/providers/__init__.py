"""Who can find, follow, cut out and lift: small interfaces, one module for each provider."""

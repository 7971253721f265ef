"""One rule kind per file; `rules.registry` lists them."""

"""One pure decoder per file; `gateway.registry` lists them."""

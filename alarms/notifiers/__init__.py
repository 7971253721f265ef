"""One notification channel per file; `alarms.registry` lists them."""

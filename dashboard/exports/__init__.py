"""Tables that can be taken out of the hub, a file each, listed in `dashboard.export_registry`."""

"""Assessment of villages, towns and visitors (考核评价) by criteria that a county sets. Pure."""

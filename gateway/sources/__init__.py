"""Where device bytes come from: serial lines and the local MQTT broker."""

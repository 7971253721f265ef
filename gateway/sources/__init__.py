"""Where device bytes come from: serial lines, the local MQTT broker, a Bluetooth adapter."""

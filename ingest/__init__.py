"""MQTT in, durable rows and acknowledgements out."""

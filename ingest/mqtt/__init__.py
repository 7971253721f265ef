"""A small MQTT client core (5 and 3.1.1) for the hub: pure packets and session, two edges."""

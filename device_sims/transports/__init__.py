"""How simulated bytes leave: pseudo-terminals and MQTT."""

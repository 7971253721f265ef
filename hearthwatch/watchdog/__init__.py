"""Who watches the hub: a heartbeat to somewhere else, and a press that tests the whole way."""

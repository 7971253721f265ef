"""Steps of alarms that a test with real processes can wait for."""

# Far apart enough to be counted, near enough to wait for.
POLICIES = """
[[policy]]
name = "quick"
severities = ["urgent", "watch", "technical"]
repeat_s = 5
taken_s = 600
[[policy.step]]
after_s = 0
targets = ["duty"]
[[policy.step]]
after_s = 5
targets = ["duty"]
"""

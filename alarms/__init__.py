"""From a finding to a named human: life cycle of alarms and tasks, notifications."""

"""The book of record: people, homes, devices, alarms, tasks, visits, append-only entries."""

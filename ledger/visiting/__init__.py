"""Who must be visited how often, what counts, and a plan of the days to come. Pure.

Days are numbers counted since the epoch in the county's local time; whoever calls turns instants
into days. The rules in words: `docs/visiting.md`.
"""

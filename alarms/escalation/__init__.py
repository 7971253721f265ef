"""Who is told of an alarm, in what order, after how long: policies, times, steps."""

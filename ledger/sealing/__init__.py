"""What tells of a person lies in the book as cipher text under a key of her own (ADR 0015)."""

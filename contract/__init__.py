"""What crosses a wire or is written to a disk. Standard library only, no I/O, no clock."""

"""How long the head of a request may be: for the server that reads it, and whoever refuses it."""

from typing import Final

# A browser's head has about 1 KiB, a cookie and a token included.
HEAD_BYTES_MAX: Final = 16 * 1024

"""Screens on walls: sessions of nobody's, which show the board without persons and no more."""

"""The roof: the command line and the wiring, which alone imports every room and which nothing imports."""

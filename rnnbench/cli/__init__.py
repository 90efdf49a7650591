"""Parsing and printing: the command line, a file a verb."""

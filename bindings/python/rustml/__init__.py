"""Run a language model inside your program, on its processor: librustml for Python."""

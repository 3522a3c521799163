"""Work beside the main thread: the encoder worker, the decoder thread, reading planes, long jobs.

Every class here takes a ``Post`` and delivers all its signals and callbacks through it, so that in the window
they arrive on the main thread.
"""

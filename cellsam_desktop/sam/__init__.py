"""Segment Anything models: which there are, how they are fetched, and how they turn prompts into masks.

Modules that import torch (``weights``, ``architectures``, ``tiny_vit``, ``vit``, ``torch_encoder``,
``export``) run in the encoder worker or headless; all the others are free of it and may run in the window's
process.
"""

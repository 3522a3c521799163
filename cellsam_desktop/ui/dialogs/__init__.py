"""The dialogs, and what the window asks through them."""

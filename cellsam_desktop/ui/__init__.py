"""The window: PySide6 widgets and pyqtgraph views over the use cases of curation."""

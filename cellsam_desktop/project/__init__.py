"""The project file: its schema, its store, its rescue; exporters and importers."""

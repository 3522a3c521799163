"""What can be measured on the document: derived data, computed only where masks changed."""

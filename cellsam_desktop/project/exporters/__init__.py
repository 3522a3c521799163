"""Labels, tables and COCO masks for other programs."""

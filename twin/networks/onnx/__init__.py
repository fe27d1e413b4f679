"""Networks in ONNX files: read into nodes of the twin, and trained weights written back; nothing is executed."""

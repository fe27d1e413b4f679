"""Networks: layers, loss and the dataflow graph."""

"""Steps of digital parameters from the summed negative gradients of a batch."""

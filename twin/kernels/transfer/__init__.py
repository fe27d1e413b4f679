"""What follows the gradient's updates: read-outs, filters, choppers, chi, and the pulses they end in."""

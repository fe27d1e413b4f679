"""What happens between the mat-vecs of a kind of layer: its way forward and its way back."""

"""How well whole clips are lifted: rendered scenes whose truth is known, real videos against hand-drawn masks, and the measures."""

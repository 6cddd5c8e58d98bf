"""The part-mask pass: what is drawn, by the graphics card or by Cycles, and how it is shown."""

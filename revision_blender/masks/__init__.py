"""Part labels, confidence and the maps that condition the final video; numpy only."""

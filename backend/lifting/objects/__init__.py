"""Things that are neither person nor animal: followed from a box or a few clicks, as boxes and 21 points."""

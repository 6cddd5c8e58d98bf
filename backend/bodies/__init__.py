"""Body models evaluated in torch, and the bridge to the smplx package."""

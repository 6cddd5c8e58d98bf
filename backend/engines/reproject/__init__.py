"""The bundled engine: the first frame's own pixels, moved by the lifted bodies over an inpainted background."""

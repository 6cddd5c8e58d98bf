"""The facts of a video model's folder, read and written; what they are stands in ``video_model.facts``, which the panel reads too."""

import json
from collections.abc import Mapping
from pathlib import Path

from backend.errors import EngineError
from revision_blender.motion.whole_file import whole_file
from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.facts import FACTS_FILE, ModelFacts, facts_values, read_facts


def facts_of(folder: Path) -> ModelFacts:
    """As ``read_facts``; raises EngineError."""
    try:
        return read_facts(folder)
    except ModelFileError as error:
        raise EngineError(str(error)) from error


def save_facts(folder: Path, facts: ModelFacts, training: Mapping[str, object] | None = None) -> None:
    """Writes ``revision.json`` whole. training: JSON-able facts of the training run (config, commit, seed), for people."""
    values = facts_values(facts) | ({"training": dict(training)} if training else {})
    with whole_file(folder / FACTS_FILE) as stream:
        stream.write((json.dumps(values, indent=1) + "\n").encode())

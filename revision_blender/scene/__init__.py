"""The only room that touches bpy data: rigs, keyframes, camera, mask pass, sequencer, properties."""

"""Names of the custom properties by which ReVision finds its own things again.

Blender's undo invalidates references, and the user renames things; a mark on the data survives both.
"""

TAKE = "revision_take"  # collection: uuid of the take; objects of the take carry it too
ROLE = "revision_role"  # object: "rig", "body", "camera", "ground"; action: "lift", "raw", "refined"
FPS = "revision_fps"  # collection: frames a second of the clip
N_FRAMES = "revision_n_frames"
START_FRAME = "revision_start_frame"  # collection: scene frame of the clip's time 0, may have a fraction
SIZE = "revision_size"  # collection: width and height of the clip's picture, pixels
WORLD = "revision_T_blender_world"  # collection: 16 numbers, row after row
TRACK = "revision_track"  # rig and body: the track's id
FAMILY = "revision_family"  # rig
MODEL = "revision_model"  # rig: which body file
BETAS = "revision_betas"  # rig: shape components
JOINT = "revision_joint"  # bone: number of its joint (Blender keeps bones in an order of its own)
CONFIDENCE = "revision_confidence"  # action: (F, J) numbers, flat
ORIGINAL = "revision_original"  # action: the untouched action of which this one is the working copy
VIDEO = "revision_video"  # strip: true on strips that ReVision made

LABEL_ATTRIBUTE = "revision_label"  # mesh, face domain: part label, an integer of masks.labels

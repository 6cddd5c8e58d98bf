"""Names of the custom properties by which ReVision finds its own things again.

Blender's undo invalidates references, and the user renames things; a mark on the data survives both.
"""

TAKE = "revision_take"  # collection: uuid of the take; objects of the take carry it too
ROLE = "revision_role"  # object: "rig", "body", "camera", "ground", "pin", "ghost", "clip view" ...; action: "lift", "raw", "refined"
FPS = "revision_fps"  # collection: frames a second of the clip
N_FRAMES = "revision_n_frames"
START_FRAME = "revision_start_frame"  # collection: scene frame of the clip's time 0, may have a fraction
SIZE = "revision_size"  # collection: width and height of the clip's picture, pixels
WORLD = "revision_T_blender_world"  # collection: 16 numbers, row after row
TRACK = "revision_track"  # rig and body: the track's id
FAMILY = "revision_family"  # rig
MODEL = "revision_model"  # rig: which body file
BETAS = "revision_betas"  # rig and body: shape components as imported
SHAPE_STEPS = "revision_shape_steps"  # body: what value 1 of each shape key means in standard deviations
EXPRESSION_STEPS = "revision_expression_steps"  # body: the same of each expression key
EXPRESSIONS = "revision_expressions"  # body: how many expression components its track has
EXPRESSION_JOINTS = "revision_expression_joints"  # rig: (E, J, 3) numbers, flat: how expressions move the rest joints, metres
TEMPLATE = "revision_template"  # body: of which template it is a copy
JOINT = "revision_joint"  # bone: number of its joint (Blender keeps bones in an order of its own); pin: of the joint it holds
BONE_SHAPE = "revision_bone_shape"  # object: which of the shared shapes that bones are drawn as
HANDS = "revision_hands"  # rig: 90 numbers, the relaxed hands as axis-angle of 15 joints left then right, radians
CONFIDENCE = "revision_confidence"  # action: (F, J) numbers, flat
ORIGINAL = "revision_original"  # action: the untouched action of which this one is the working copy
VERSION = "revision_version"  # action: which of its role's it is, counted from 1
CHANGES = "revision_changes"  # action: (2, 3, F) numbers, flat: sliding, sinking, jitter before and after
SPAN = "revision_span"  # pin: first and last scene frame
ORDER = "revision_order"  # collection: ids of its tracks in their order, JSON
CAMERA_GIVEN = "revision_camera_given"  # collection: whether the camera is the clip's own; a framing camera otherwise
KEYS = "revision_keys"  # collection: how its motion is keyed, JSON
STAND_IN = "revision_stand_in"  # rig: JSON of the body that its own stands in for
SIZE_OF_BOX = "revision_box_size"  # box: its extents as imported, metres, and the scale that shows them, 6 numbers
LABEL = "revision_words"  # box: what the object is, in words
VIDEO = "revision_video"  # strip: true on strips that ReVision made

LABEL_ATTRIBUTE = "revision_label"  # mesh, face domain: part label, an integer of masks.labels

"""The classes and body points of the COCO data set (cocodataset.org), and which kind of subject a word speaks of."""

from revision_blender.motion.subjects import SubjectKind

CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light", "fire hydrant", "stop sign",
    "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard",
    "surfboard", "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv",
    "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

KEYPOINTS: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

# Body points beyond COCO's 17 in models of Halpe's 26 (github.com/Fang-Haoshu/Halpe-FullBody) and of COCO-WholeBody's first 23.
HALPE_KEYPOINTS: tuple[str, ...] = (
    *KEYPOINTS, "head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
)  # fmt: skip
WHOLE_BODY_KEYPOINTS: tuple[str, ...] = (
    *KEYPOINTS, "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    *(f"face_{index}" for index in range(68)), *(f"left_hand_{index}" for index in range(21)), *(f"right_hand_{index}" for index in range(21)),
)  # fmt: skip

PEOPLE = frozenset({"person", "people", "human", "man", "woman", "boy", "girl", "child", "player", "dancer", "kid", "lady"})
ANIMALS = frozenset(
    {
        "animal", "bird", "cat", "dog", "puppy", "kitten", "horse", "pony", "foal", "sheep", "lamb", "goat", "cow", "bull", "calf", "cattle",
        "elephant", "bear", "zebra", "giraffe", "lion", "tiger", "leopard", "cheetah", "fox", "wolf", "deer", "moose", "pig", "rabbit",
        "hippo", "hippopotamus", "rhino", "rhinoceros", "camel", "donkey", "kangaroo", "monkey",
    }
)  # fmt: skip
NOT_ALIVE = frozenset({"hot dog", "teddy bear"})
# What people say, as the data set says it.
_SAME = {"ball": "sports ball", "racket": "tennis racket", "sofa": "couch", "bike": "bicycle", "motorbike": "motorcycle", "phone": "cell phone",
         "table": "dining table", "plant": "potted plant", "pony": "horse", "puppy": "dog", "kitten": "cat", "cattle": "cow"}  # fmt: skip


def kind_of(word: str) -> SubjectKind:
    """Person, animal or object, by the last word that says so ("a small dog" is an animal, "dog toy" an object)."""
    words = word.lower().replace("-", " ").split() or [""]
    if " ".join(words[-2:]).removesuffix("s") in NOT_ALIVE:
        return "object"
    forms = {words[-1], words[-1].removesuffix("s")}
    if forms & PEOPLE:
        return "person"
    return "animal" if forms & ANIMALS else "object"


def class_for(word: str) -> str | None:
    """The data set's class that a word asks for, or nothing."""
    plain = word.lower().strip()
    for form in (plain, plain.removesuffix("s")):
        name = _SAME.get(form, form)
        if name in CLASSES:
            return name
        if form in PEOPLE:
            return "person"
    return None


def keypoint_names(count: int) -> tuple[str, ...] | None:
    """Names for a model with so many points: COCO's 17, Halpe's 26, COCO-WholeBody's 133; nothing for any other number."""
    return {17: KEYPOINTS, 26: HALPE_KEYPOINTS, 133: WHOLE_BODY_KEYPOINTS}.get(count)

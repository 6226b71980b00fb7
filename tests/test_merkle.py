"""The published Certificate Transparency vectors, and what must hold for every tree."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms import merkle

# The eight-leaf tree that certificate-transparency and transparency-dev/merkle test with.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HASHES = [merkle.leaf_hash(each) for each in LEAVES]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
H1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
H23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
H4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
H45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
H6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
H67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
H4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = [  # index from 0, size, path
    (0, 1, []),
    (0, 8, [H1, H23, H4567]),
    (5, 8, [H4, H67, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], H23, H4]),
]
CONSISTENCY = [  # old size, new size, path
    (1, 1, []),
    (1, 8, [H1, H23, H4567]),
    (6, 8, [H45, H67, ROOTS[3]]),
    (2, 5, [H23, H4]),
    (6, 7, [H45, H6, ROOTS[3]]),
]


def test_the_empty_tree_has_the_published_root() -> None:
    assert merkle.root([]).hex() == EMPTY
    assert merkle.Frontier().root().hex() == EMPTY


@pytest.mark.parametrize("size", range(1, 9))
def test_each_published_root_comes_out(size: int) -> None:
    assert merkle.root(HASHES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_each_published_inclusion_proof_comes_out_and_verifies(
    index: int, size: int, path: list[str]
) -> None:
    proof = merkle.inclusion_proof(HASHES, index, size)

    assert [each.hex() for each in proof] == path
    assert merkle.verify_inclusion(HASHES[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_each_published_consistency_proof_comes_out_and_verifies(old: int, new: int, path: list[str]) -> None:
    proof = merkle.consistency_proof(HASHES, old, new)
    old_root, new_root = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])

    assert [each.hex() for each in proof] == path
    assert merkle.verify_consistency(old, new, old_root, new_root, proof)


def recursive_root(hashes: list[bytes]) -> bytes:
    """MTH as section 2.1.1 of RFC 9162 words it."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256().digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = recursive_root(hashes[:split]), recursive_root(hashes[split:])
    return sha256(b"\x01" + left + right).digest()


def hashes_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4)) for number in range(count)]


def flip(raw: bytes, bit: int) -> bytes:
    bit %= len(raw) * 8
    return (int.from_bytes(raw) ^ 1 << bit).to_bytes(len(raw))


@given(st.lists(st.binary(max_size=40), max_size=80))
def test_frontier_streamed_and_whole_roots_are_the_recursive_root_at_every_size(leaves: list[bytes]) -> None:
    hashes = [merkle.leaf_hash(each) for each in leaves]
    frontier = merkle.Frontier()
    streamed = list(merkle.roots(hashes))

    for size, leaf in enumerate(hashes, start=1):
        frontier = frontier.append(leaf)
        expected = recursive_root(hashes[:size])
        assert merkle.root(hashes[:size]) == frontier.root() == streamed[size - 1] == expected
    assert frontier.size == len(streamed) == len(hashes)


@given(st.integers(0, 300))
def test_a_frontier_kept_as_bytes_comes_back_the_same(size: int) -> None:
    frontier = merkle.Frontier()
    for leaf in hashes_of(size):
        frontier = frontier.append(leaf)

    assert merkle.Frontier.from_bytes(size, frontier.to_bytes()) == frontier


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_frontier_of_another_shape_is_refused(size: int, peaks: int) -> None:
    if size.bit_count() == peaks:
        return
    with pytest.raises(ValueError, match="cannot be the frontier"):
        merkle.Frontier.from_bytes(size, bytes(32 * peaks))


def test_appending_leaves_the_frontier_before_it_as_it_was() -> None:
    before = merkle.Frontier().append(HASHES[0])

    before.append(HASHES[1])

    assert before.root().hex() == ROOTS[0]


@given(st.integers(1, 200))
def test_the_newest_leafs_proof_is_the_frontier_before_it_last_peak_first(size: int) -> None:
    hashes = hashes_of(size)
    frontier = merkle.Frontier()
    for leaf in hashes[:-1]:
        frontier = frontier.append(leaf)

    assert merkle.inclusion_proof(hashes, size - 1, size) == list(frontier.peaks[::-1])


@given(st.integers(1, 130), st.data())
def test_every_inclusion_proof_verifies_and_no_altered_one_does(size: int, pick: st.DataObject) -> None:
    hashes = hashes_of(size)
    index = pick.draw(st.integers(0, size - 1))
    top = recursive_root(hashes)
    path = merkle.inclusion_proof(hashes, index, size)
    assert merkle.verify_inclusion(hashes[index], index, size, path, top)

    bit = pick.draw(st.integers(0, 10_000))
    place = pick.draw(st.integers(0, len(path)))
    altered = (
        [*path[:place], flip(path[place], bit), *path[place + 1 :]] if place < len(path) else [*path, top]
    )
    other = pick.draw(st.integers(-2, size + 130).filter(lambda number: number != index))

    assert not merkle.verify_inclusion(flip(hashes[index], bit), index, size, path, top)
    assert not merkle.verify_inclusion(hashes[index], index, size, path, flip(top, bit))
    assert not merkle.verify_inclusion(hashes[index], index, size, altered, top)
    assert not merkle.verify_inclusion(hashes[index], other, size, path, top)
    if path:
        assert not merkle.verify_inclusion(hashes[index], index, size, path[:-1], top)
        assert not merkle.verify_inclusion(hashes[index], index, size, path[1:], top)


@given(st.integers(1, 130), st.integers(1, 130), st.data())
def test_a_size_of_another_shape_never_verifies_an_inclusion_proof(
    size: int, other: int, pick: st.DataObject
) -> None:
    # The size is bound by the checkpoint; a proof alone shows only the shape of its own path.
    hashes = hashes_of(max(size, other))
    index = pick.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(hashes, index, size)
    if index < other and len(merkle.inclusion_proof(hashes, index, other)) == len(path):
        return

    assert not merkle.verify_inclusion(hashes[index], index, other, path, recursive_root(hashes[:size]))


@given(st.integers(0, 130), st.integers(0, 130), st.integers(0, 10_000))
def test_every_consistency_proof_verifies_and_no_altered_one_does(one: int, another: int, bit: int) -> None:
    old, new = sorted((one, another))
    hashes = hashes_of(new)
    old_root, new_root = recursive_root(hashes[:old]), recursive_root(hashes)
    path = merkle.consistency_proof(hashes, old, new)
    assert merkle.verify_consistency(old, new, old_root, new_root, path)

    assert not merkle.verify_consistency(old, new, flip(old_root, bit), new_root, path)
    assert not merkle.verify_consistency(old, new, old_root, new_root, [*path, new_root])
    assert old == 0 or not merkle.verify_consistency(old, new, old_root, flip(new_root, bit), path)
    for place, step in enumerate(path):
        altered = [*path[:place], flip(step, bit), *path[place + 1 :]]
        assert not merkle.verify_consistency(old, new, old_root, new_root, altered)
    if path:
        assert not merkle.verify_consistency(old, new, old_root, new_root, path[:-1])
        assert not merkle.verify_consistency(old - 1, new, old_root, new_root, path)
        assert not merkle.verify_consistency(old + 1, new, old_root, new_root, path)
        assert not merkle.verify_consistency(old, new * 2, old_root, new_root, path)


def test_a_rewritten_past_has_no_consistency_proof() -> None:
    rewritten = [merkle.leaf_hash(b"another"), *HASHES[1:]]

    proof = merkle.consistency_proof(rewritten, 4, 8)

    assert not merkle.verify_consistency(4, 8, bytes.fromhex(ROOTS[3]), merkle.root(rewritten), proof)


def test_hashes_of_the_wrong_length_never_verify() -> None:
    joined = HASHES[0] + HASHES[1]

    assert not merkle.verify_inclusion(joined[:31], 0, 1, [], joined[:31])
    assert not merkle.verify_inclusion(joined[:33], 0, 2, [joined[33:]], bytes.fromhex(ROOTS[1]))
    assert not merkle.verify_consistency(1, 2, joined[:33], bytes.fromhex(ROOTS[1]), [joined[33:]])


def test_a_leaf_that_looks_like_a_node_has_another_hash() -> None:
    assert merkle.leaf_hash(HASHES[0] + HASHES[1]) != merkle.node_hash(HASHES[0], HASHES[1])


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (0, 0), (0, 9)])
def test_asking_for_the_proof_of_a_leaf_that_is_not_there_is_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(HASHES, index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 8), (5, 4), (1, 9)])
def test_asking_for_consistency_between_sizes_that_do_not_fit_is_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no tree"):
        merkle.consistency_proof(HASHES, old, new)

"""Names for the demo school's adults, as mixed as a staffroom's. None is a real person's."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random


def _names_in(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FORENAMES = _names_in(
    "Aaliyah Abigail Adaeze Aisha Alastair Aled Alice Amara Amir Anjali Anneliese Antonio Arjun Beatrice "
    "Bethan Bronwen Callum Caoimhe Carys Charlotte Chloé Clive Connor Danielle Deborah Dilys Dimitri "
    "Edward Eilidh Eleri Emeka Emrys Esther Fatima Fergus Fiona Françoise Gareth Geraint Grace Gwenllian "
    "Hannah Harjit Helen Ibrahim Imogen Ioan Iolo Jacek Jakub Joanne Joshua Karen Katarzyna Kenji Kwame "
    "Laura Leila Lena Llŷr Lowri Lucía Lydia Maëlle Marek Maria Martin Megan Mohammed Nadia Naomi Ngozi "
    "Nia Nicola Niamh Oliver Omar Paul Petra Philippa Rachel Rajesh Rebecca Rhiannon Róisín Rosa Ruth "
    "Samira Samuel Sandra Simon Sofia Søren Stephen Sunita Tamsin Tariq Thomas Tomos Ursula Victoria Wei "
    "Yasmin Yusuf Zara Zoë"
)
SURNAMES = _names_in(
    "Abara Adeyemi Ahmed Akhtar Andersson Atkinson Bailey Banerjee Barrett Bassey Bennett Blackwood Bowen "
    "Brathwaite Brennan Castillo Chaudhry Chen Clarke Coleman Cooper Côté Cullen Davies Delgado Dlamini "
    "Ellis Evans Farrell Fisher Foster Gallagher García Gill Goldberg Griffiths Gupta Harper Hayes Hill "
    "Hussain Ingram Ito James Jansen Joshi Kaminski Kaur Kelly Khan Kowalski Lambert Lewis Lindqvist "
    "Llewellyn Lovell MacDonald Malik Marsh Mbeki McAllister Mehta Mensah Mitchell Müller Nakamura Ncube "
    "Nguyen Novák O’Donnell O’Neill Oduya Okafor Owen Parry Patel Peña Popescu Powell Price Quinn Rahman "
    "Reid Rhys Roberts Rossi Russell Sanderson Schofield Sharma Silva Sørensen Tanner Thapa Tran Turnbull "
    "Underwood Vaughan Walsh Watkins Whitfield Wójcik Yilmaz Young Ziegler Fenwick-Shah Barnes-Adeleke "
    "Lloyd-Jones Price-Morgan Smith-Nakagawa"
)


def names(chance: Random) -> Iterator[tuple[str, str]]:
    """Yield (forename, surname) pairs, no pair twice."""
    given, family = list(FORENAMES), list(SURNAMES)
    seen: set[tuple[str, str]] = set()
    while len(seen) < len(given) * len(family):
        chance.shuffle(given)
        chance.shuffle(family)
        fresh = [pair for pair in zip(given, family, strict=False) if pair not in seen]
        seen.update(fresh)
        yield from fresh

"""How names are made comparable: transliterated, folded, and by how they sound.

Everything here is pure. What is stored of it are keyed fingerprints only (`patients.queries`), so
a name is found by another spelling and cannot be read.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import jellyfish
from anyascii import anyascii

#: Words that are written, left out and joined as people please.
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du", "la", "le",
     "los", "ter", "ten", "te", "het", "zu", "zum", "zur", "af", "av", "al", "el", "ul", "abu",
     "bin", "ibn", "bint", "ben", "y", "e", "i", "und", "and"}
)  # fmt: skip
#: Arabic letters that stand for a vowel, written so before the rest is transliterated.
_ARABIC = str.maketrans(
    {"ع": "a", "و": "u", "ي": "i", "ى": "a", "ة": "a", "ا": "a", "أ": "a", "إ": "i", "آ": "a",
     "ئ": "i", "ؤ": "u", "ء": "", "ک": "k", "ی": "i"}
)  # fmt: skip
_ARTICLE = re.compile(r"\bال")
#: Letters that sound alike across the languages of Europe and in transliterations: the coarsest
#: form, to find by; what was found is compared letter by letter.
_ALIKE = (
    ("tsch", "c"), ("shch", "s"), ("dzh", "c"), ("sch", "s"), ("tch", "c"), ("sh", "s"),
    ("zh", "s"), ("ch", "k"), ("kh", "k"), ("gh", "k"), ("ph", "f"), ("th", "t"), ("dt", "t"),
    ("tz", "s"), ("ts", "s"), ("ks", "x"), ("ck", "k"), ("sz", "s"), ("cz", "c"),
)  # fmt: skip
_SOUNDS = str.maketrans(
    {"v": "f", "w": "f", "z": "s", "q": "k", "g": "k", "d": "t", "b": "p", "x": "k"}
)
_MOST = 60  # letters of a name that are looked at


@lru_cache(maxsize=20_000)
def latin(name: str) -> str:
    """A name in small Latin letters without accents; ae, oe and ue as a, o and u; in any script."""
    text = _ARTICLE.sub("", unicodedata.normalize("NFC", name[:_MOST])).translate(_ARABIC)
    plain = re.sub(r"['’`´ʼ]", "", anyascii(text).lower())
    plain = re.sub(r"[^a-z0-9]+", " ", plain).strip()
    return re.sub(r"([aou])e", r"\1", plain)


def parts(name: str) -> list[str]:
    """The single words of a name, each once, without particles unless there is nothing else."""
    every = list(dict.fromkeys(latin(name).split()))
    real = [word for word in every if word not in _PARTICLES and len(word) > 1]
    return real or every


def joined(name: str) -> str:
    """All of a name as one word, particles included: O Brien and O'Brien are one."""
    return latin(name).replace(" ", "")


@lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """The consonants of a folded word as they sound, after a mark for a vowel it begins with.

    Zonneveld and Sonnefelt are `snflt`, Mohammed and Muhamad `mt`; empty for what has no letters.
    """
    text = word.replace(" ", "")
    for letters, one in _ALIKE:
        text = text.replace(letters, one)
    text = re.sub(r"c(?=[eiy])", "s", text).replace("c", "k")
    first = "a" if text[:1] in set("aeiouyjh") else ""
    text = re.sub(r"[aeiouyjh0-9]", "", text).translate(_SOUNDS)
    return first + re.sub(r"(.)\1+", r"\1", text)


def sounds(name: str) -> set[str]:
    """How the words of a name sound, and the whole of it; short ones are left out."""
    found = {sound(word) for word in parts(name)} | {sound(joined(name))}
    return {one for one in found if len(one) > 1} or found - {""}


def shorter(key: str) -> set[str]:
    """A sound without each of its letters in turn: two that differ in one letter share one of
    these. Empty for short ones, where that would say nothing."""
    if len(key) < 4:
        return set()
    return {key[:place] + key[place + 1 :] for place in range(len(key))}


def pairs(family_name: str, given_names: str) -> set[str]:
    """How a family name and the first given name sound together, in an order that does not tell
    which is which; of a double name the whole and each half."""
    given = sound((parts(given_names) or [""])[0])
    families = {sound(joined(family_name))} | {sound(word) for word in parts(family_name)[:3]}
    return {" ".join(sorted((one, given))) for one in families if one and given}


SAME, NEAR, PART, INITIAL, OTHER = "same", "near", "part", "initial", "other"


def agree(one: str, another: str) -> str:
    """How two names agree: same, near (a slip, or it sounds alike), part (one of several words),
    initial, other; empty where one is missing."""
    a, b = latin(one), latin(another)
    if not a or not b:
        return ""
    words_a, words_b = parts(one), parts(another)
    if joined(one) == joined(another) or set(words_a) == set(words_b):
        return SAME
    if _near(joined(one), joined(another)) or _same_consonants(one, another):
        return NEAR
    shared = [(x, y) for x in words_a for y in words_b if x == y or _near(x, y)]
    if any(len(x) > 2 and len(y) > 2 for x, y in shared):
        return PART if len(words_a) != len(words_b) or len(words_a) > 1 else NEAR
    initials = {min(len(x), len(y)) == 1 and x[0] == y[0] for x in words_a for y in words_b}
    return INITIAL if True in initials else OTHER


def _same_consonants(one: str, another: str) -> bool:
    """Where one of two names is in a script that leaves vowels out, the rest has to do."""
    if not any("\u0590" <= letter <= "\u06ff" for letter in one + another):
        return False
    key = sound(joined(one))
    return len(key) > 1 and key == sound(joined(another))


def closeness(typed: str, word: str) -> float:
    """How like a folded word is to what was typed, from 0 (not) to 1 (the same)."""
    if typed == word:
        return 1.0
    return 0.9 * jellyfish.jaro_winkler_similarity(typed, word) if _near(typed, word) else 0.0


@lru_cache(maxsize=20_000)
def _near(a: str, b: str) -> bool:
    """Do two folded words differ by a slip or a spelling?"""
    shortest = min(len(a), len(b))
    if shortest < 3:
        return False
    slips = 1 if shortest < 7 else 2
    from rapidfuzz.distance import OSA  # only where names are compared: a start does not wait

    distance = OSA.distance(a, b, score_cutoff=slips)
    if distance <= slips:
        return shortest > 3 or a[0] == b[0]
    key = sound(a)
    if len(key) < (3 if shortest < 6 else 2) or key != sound(b):
        return False
    return jellyfish.jaro_winkler_similarity(a, b) >= 0.7

"""A made-up population with people registered twice, to measure matching on. No real person.

It knows nothing of how the product compares names: slips are of the keyboard, of hearing, of lists
of spellings and of clerks, each with its share below. The same seed makes the same people.

Of all people `TWICE` are registered a second time; the second record differs by the shares of
`SLIPS`, each drawn on its own, so that a second record may have several or none. Besides there are
people who are *not* the same and look it: twins, a parent and child of one name, siblings at one
address, and namesakes, as `LOOK_ALIKE` says.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

TWICE = 0.10
SLIPS = {
    "typing slip in the family name": 0.12,
    "typing slip in the given names": 0.08,
    "spelt as heard": 0.06,
    "accents left out or spelt out": 0.50,  # of names that have any
    "written in another script or transliteration": 0.60,  # of each name that has one
    "double name shortened": 0.30,  # of double names
    "second given name left out or added": 0.15,
    "family name changed": 0.05,  # marriage; of women 0.08, of men 0.02
    "family and given names exchanged": 0.015,
    "day and month exchanged": 0.08,  # of days up to the 12th
    "another digit in the birth date": 0.03,
    "birth date known to the year": 0.01,
    "sex wrong": 0.005,
    "national number missing": 0.45,  # on either record
    "slip in the national number": 0.01,
    "telephone missing": 0.40,  # on either record
    "telephone changed": 0.25,
}
LOOK_ALIKE = {
    "twin": 0.010,
    "parent or child of the same name": 0.010,
    "sibling": 0.010,
    "namesake born in the same year": 0.010,
}

#: Spellings of one name, some in other scripts. The first is how it is registered first.
_SPELLINGS_FAMILY = [
    ("Hussein", "Husain", "Hossein", "حسين"), ("El Amrani", "Al-Amrani", "Elamrani", "العمراني"),
    ("Yılmaz", "Yilmaz"), ("Haddad", "Hadad", "حداد"), ("Khoury", "Khouri", "Koury", "خوري"),
    ("Mansour", "Mansur", "Mansoor", "منصور"), ("Kovalenko", "Kowalenko", "Коваленко"),
    ("Ivanov", "Iwanow", "Иванов"), ("Sokolov", "Sokolow", "Соколов"),
    ("Papadopoulos", "Papadopulos", "Παπαδόπουλος"), ("Georgiou", "Georgiu", "Γεωργίου"),
    ("Khrushchev", "Chruschtschow", "Хрущёв"), ("Bouazizi", "Buazizi", "Bou Azizi"),
    ("Abdullah", "Abdallah", "Abdulla", "عبد الله"), ("Rahmani", "Rahmany", "رحماني"),
]  # fmt: skip
_SPELLINGS_GIVEN = {
    "male": [
        ("Mohammed", "Muhammad", "Mohamed", "Mohamad", "محمد"),
        ("Youssef", "Yusuf", "Yousef", "يوسف"), ("Giorgos", "Georgios", "Γιώργος"),
        ("Ahmed", "Ahmad", "أحمد"), ("Aleksandr", "Alexander", "Александр"),
        ("Sergei", "Sergey", "Serguei", "Сергей"), ("Ali", "Aly", "علي"),
        ("Khalid", "Khaled", "خالد"),
    ],
    "female": [
        ("Fatima", "Fatma", "Fatimah", "فاطمة"), ("Aisha", "Aicha", "Ayşe", "عائشة"),
        ("Ekaterina", "Jekaterina", "Екатерина"), ("Natalia", "Natalija", "Наталья"),
        ("Eleni", "Helene", "Ελένη"), ("Maryam", "Mariam", "مريم"), ("Zaynab", "Zeinab", "زينب"),
    ],
}  # fmt: skip


def _listed(text: str) -> list[str]:
    return text.split()


_FAMILY = _listed(
    """
    Jansen de_Vries van_den_Berg Bakker Visser Smit Meijer de_Boer Mulder de_Groot Bos Vos Peters
    Hendriks van_Leeuwen Dekker Brouwer de_Wit Dijkstra Smits de_Graaf van_der_Meer Müller Schmidt
    Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein
    Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Krause Lehmann
    Köhler Walter Möller Weiß Jäger Roth Groß Großmann Martin Bernard Dubois Thomas Robert Richard
    Petit Durand Leroy Moreau Simon Laurent Lefèvre Michel García Martínez López Sánchez Pérez
    Gómez Fernández Ruiz Díaz Moreno Muñoz Álvarez Romero Rossi Russo Ferrari Esposito Bianchi
    Romano Colombo Ricci Marino Greco D'Angelo D'Amico Conti De_Luca Costa Andersson Johansson
    Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Lindström Söderberg Åberg
    Nielsen Jensen Hansen Pedersen Sørensen Rasmussen Jørgensen Kowalski Nowak Wiśniewski Wójcik
    Kamiński Lewandowski Zieliński Szymański Dąbrowski O'Brien O'Connor O'Neill McCarthy Murphy
    Kelly Byrne Ryan Walsh Novák Svoboda Dvořák Černý Procházka Horváth Nagy Kovács Szabó Tóth
    """
)
_GIVEN = {
    "female": _listed(
        """
        Anna Maria Emma Sophie Julia Laura Lena Sarah Lisa Marie Johanna Katharina
        Elisabeth Eva Christine Monika Petra Sabine Claudia Andrea Ingrid Karin Birgitta
        Astrid Margareta Agnieszka Zofia Małgorzata Jana Hana Lucie Tereza Carmen Lucía
        Paula Elena Giulia Chiara Francesca Paola Rosa Teresa Nathalie Isabelle
        Françoise Hélène Céline Aoife Siobhán Niamh Brigid Inge Femke Sanne Marieke
        Wilhelmina Cornelia Hendrika Geertruida Jacoba Trijntje Neeltje Hilde Ursula
        Renate Gisela Heike Silke Anke Britta Maud Yvonne Odile Solange Ágnes Zsuzsanna
        Ilona
        """
    ),
    "male": _listed(
        """
        Jan Peter Johannes Thomas Michael Andreas Stefan Martin Christian Wolfgang Klaus
        Jürgen Günther Heinz Karl Hans Lars Anders Erik Mikael Björn Søren Jens Niels
        Henrik Piotr Paweł Krzysztof Tomáš Jiří Petr Miroslav José Antonio Manuel
        Francisco Juan Giuseppe Marco Luca Alessandro Matteo Jean Pierre Michel André
        François Gérard Seán Patrick Brendan Liam Kees Pieter Hendrik Willem Cornelis
        Gerrit Dirk Jacob Maarten Bram Otto Ludwig Emil Oskar László István Zoltán
        Ferenc Raúl Íñigo Sergio Fabio Ugo Dario Étienne Marcel Gilbert Fergus Colm
        """
    ),
}
_ROOTS = _listed(
    """
    Ahorn Berk Dorn Eik Falk Grau Hald Ilm Kest Lind Mark Nord Ost Quer Rand Sund Tann Ulm
    Vald Wend
    """
)
_ENDS = _listed(
    """
    ström mann feld berg son inger ova eau etti ares ski huis gaard dal hof becker quist ero
    """
)
_AS_HEARD = (
    ("ck", "k"), ("ph", "f"), ("th", "t"), ("tt", "t"), ("nn", "n"), ("ll", "l"), ("mm", "m"),
    ("ei", "ai"), ("ie", "i"), ("y", "i"), ("z", "s"), ("v", "f"), ("dt", "t"), ("c", "k"),
    ("sch", "sh"), ("ss", "s"), ("w", "v"), ("d", "dt"), ("s", "z"),
)  # fmt: skip
_SPELT_OUT = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "Ä": "Ae", "Ö": "Oe",
    "Ü": "Ue", "Å": "Aa", "Ø": "Oe",
}  # fmt: skip
_LEFT_OUT = {
    ord(accented): plain
    for plain, letters in {
        "a": "áàâäãåąă", "c": "çčć", "d": "đď", "e": "éèêëěę", "i": "íìîïı", "l": "łľ", "n": "ñńň",
        "o": "óòôöõøő", "r": "řŕ", "s": "śšşș", "t": "ťț", "u": "úùûüůű", "y": "ýÿ", "z": "źżž",
        "A": "ÁÀÂÄÅ", "C": "ÇČĆ", "D": "ĐĎ", "E": "ÉÈÊ", "I": "ÍÎİ", "L": "Ł", "N": "ÑŃ",
        "O": "ÓÖØ", "R": "Ř", "S": "ŚŠŞ", "U": "ÚÜ", "Y": "Ý", "Z": "ŹŻŽ", "ss": "ß",
    }.items()
    for accented in letters
}  # fmt: skip
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Record:
    """One registration. `who` is the same for two records of one person."""

    who: int
    family_name: str
    given_names: str
    birth_date: str
    sex: str
    national_number: str
    telephone: str
    #: Which slips the record has, or what makes it look like somebody else.
    because: tuple[str, ...] = ()


def population(people: int, seed: int = 1) -> list[Record]:
    """Records of so many people, in no order that tells who is the same."""
    rng = Random(seed)
    found = list(_records(people, rng))
    rng.shuffle(found)
    return found


def _records(people: int, rng: Random) -> Iterator[Record]:
    names = _Names(rng)
    who = 0
    while who < people:
        one = names.person(who)
        who += 1
        yield one
        if rng.random() < TWICE:
            yield _Again(one, names, rng).record()
        for kind, share in LOOK_ALIKE.items():
            if rng.random() < share:
                yield _look_alike(one, kind, who, names, rng)
                who += 1


class _Names:
    """Draws names: a few are borne by many, most by few."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        rare = [root + end for root in _ROOTS for end in _ENDS]
        rare += [a + b.lower() + c for a in _ROOTS for b in _ROOTS for c in _ENDS[:7] if a != b]
        rng.shuffle(rare)
        self.family = [name.replace("_", " ") for name in _FAMILY] + rare
        self._weights = [1 / (place + 12) for place in range(len(self.family))]
        self._given_weights = {
            sex: [1 / (place + 5) for place in range(len(names))] for sex, names in _GIVEN.items()
        }

    def person(self, who: int) -> Record:
        rng = self.rng
        sex = rng.choice(("female", "male"))
        year = int(rng.triangular(1930, 2005, 1958))
        return Record(
            who=who,
            family_name=self.family_name(),
            given_names=self.given_names(sex),
            birth_date=f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            sex=sex,
            national_number=self.digits(9),
            telephone="06" + self.digits(8),
        )

    def digits(self, n: int) -> str:
        return "".join(self.rng.choice(string.digits) for _ in range(n))

    def family_name(self) -> str:
        rng = self.rng
        if rng.random() < 0.06:
            return rng.choice(_SPELLINGS_FAMILY)[0]
        [first, second] = rng.choices(self.family, self._weights, k=2)
        return f"{first}-{second}" if rng.random() < 0.06 and first != second else first

    def given_names(self, sex: str) -> str:
        rng = self.rng
        if rng.random() < 0.06:
            return rng.choice(_SPELLINGS_GIVEN[sex])[0]
        [first, second] = rng.choices(_GIVEN[sex], self._given_weights[sex], k=2)
        return f"{first} {second}" if rng.random() < 0.25 and first != second else first


# -- the same person once more -----------------------------------------------------------------


class _Again:
    """A person registered a second time, with what goes wrong."""

    def __init__(self, one: Record, names: _Names, rng: Random) -> None:
        self.one, self.names, self.rng = one, names, rng
        self.family, self.given, self.sex = one.family_name, one.given_names, one.sex
        self.because: list[str] = []

    def happens(self, slip: str, share: float | None = None) -> bool:
        done = self.rng.random() < (SLIPS[slip] if share is None else share)
        if done:
            self.because.append(slip)
        return done

    def record(self) -> Record:
        self.rewritten()
        self.miswritten()
        born = self.born()
        if self.happens("sex wrong"):
            self.sex = "male" if self.sex == "female" else "female"
        return replace(
            self.one,
            birth_date=born,
            national_number=self.number(),
            telephone=self.telephone(),
            family_name=self.family,
            given_names=self.given,
            sex=self.sex,
            because=tuple(self.because),
        )

    def rewritten(self) -> None:
        """Another name, or the same one in another spelling."""
        rng = self.rng
        if self.happens("family name changed", 0.08 if self.sex == "female" else 0.02):
            self.family = _changed(self.family, self.names, rng)
        script = "written in another script or transliteration"
        families = [found for found in _SPELLINGS_FAMILY if found[0] == self.family]
        if families and self.happens(script):
            self.family = rng.choice(families[0][1:])
        given = [found for found in _SPELLINGS_GIVEN[self.sex] if found[0] == self.given]
        if given and self.happens(script):
            self.given = rng.choice(given[0][1:])
        if "-" in self.family and self.happens("double name shortened"):
            self.family = rng.choice(self.family.split("-"))
        if self.happens("second given name left out or added"):
            first = self.given.split()[0]
            more = f"{first} {rng.choice(_GIVEN[self.sex])}"
            self.given = first if " " in self.given else more
        accented = not (self.family + self.given).isascii()
        if accented and self.happens("accents left out or spelt out"):
            self.family, self.given = _plain(self.family, rng), _plain(self.given, rng)

    def miswritten(self) -> None:
        """Slips of the ear, the hand and the form."""
        if self.happens("spelt as heard"):
            self.family = _as_heard(self.family, self.rng)
        if self.happens("typing slip in the family name"):
            self.family = _typing(self.family, self.rng)
        if self.happens("typing slip in the given names"):
            self.given = _typing(self.given, self.rng)
        if self.happens("family and given names exchanged"):
            self.family, self.given = self.given, self.family

    def born(self) -> str:
        born = self.one.birth_date
        if int(born[8:]) <= 12 and self.happens("day and month exchanged"):
            born = f"{born[:4]}-{born[8:]}-{born[5:7]}"
        if self.happens("another digit in the birth date"):
            born = _other_digit(born, self.rng)
        return born[:4] if self.happens("birth date known to the year") else born

    def number(self) -> str:
        number = self.one.national_number
        if self.happens("slip in the national number"):
            place = self.rng.randrange(len(number))
            number = number[:place] + str((int(number[place]) + 3) % 10) + number[place + 1 :]
        return "" if self.happens("national number missing") else number

    def telephone(self) -> str:
        telephone = self.one.telephone
        if self.happens("telephone changed"):
            telephone = "06" + self.names.digits(8)
        return "" if self.happens("telephone missing") else telephone


def _changed(family: str, names: _Names, rng: Random) -> str:
    other = names.family_name()
    return rng.choice((other, other, f"{family}-{other}", f"{other}-{family}"))


def _plain(name: str, rng: Random) -> str:
    if rng.random() < 0.4:
        name = "".join(_SPELT_OUT.get(letter, letter) for letter in name)
    return name.translate(_LEFT_OUT)


def _as_heard(name: str, rng: Random) -> str:
    fits = [(a, b) for a, b in _AS_HEARD if a in name[1:]]
    if not fits:
        return name
    a, b = rng.choice(fits)
    return name[0] + name[1:].replace(a, b, 1)


def _typing(name: str, rng: Random) -> str:
    """A letter left out, doubled, exchanged with its neighbour, or the key beside it."""
    places = [n for n, letter in enumerate(name) if letter.isalpha() and letter.isascii()]
    if len(places) < 3:
        return name
    place = rng.choice(places)
    kind = rng.choice(("left out", "doubled", "exchanged", "beside"))
    letter = name[place]
    if kind == "left out":
        return name[:place] + name[place + 1 :]
    if kind == "doubled":
        return name[:place] + letter + name[place:]
    if kind == "exchanged" and place + 1 < len(name):
        return name[:place] + name[place + 1] + letter + name[place + 2 :]
    row = next((keys for keys in _ROWS if letter.lower() in keys), "")
    beside = row[max(0, row.index(letter.lower()) - 1)] if row else letter
    return name[:place] + beside + name[place + 1 :]


def _other_digit(born: str, rng: Random) -> str:
    year, month, day = born.split("-")
    which = rng.choice(("year", "month", "day"))
    if which == "year":
        year = str(int(year) + rng.choice((-1, 1, -10, 10)))
    elif which == "month":
        month = f"{int(month) % 12 + 1:02}"
    else:
        day = f"{(int(day) + rng.choice((1, 10))) % 28 + 1:02}"
    return f"{year}-{month}-{day}"


# -- somebody else who looks it ----------------------------------------------------------------


def _look_alike(one: Record, kind: str, who: int, names: _Names, rng: Random) -> Record:
    number = names.digits(9) if rng.random() > SLIPS["national number missing"] else ""
    at_home = one.telephone if rng.random() < 0.5 else "06" + names.digits(8)
    other = replace(one, who=who, national_number=number, telephone=at_home, because=(f"a {kind}",))
    sex = rng.choice(("female", "male"))
    if kind == "twin":
        return replace(other, sex=sex, given_names=_another_name(one, sex, names))
    if kind == "sibling":
        born = f"{int(one.birth_date[:4]) + rng.choice((-3, -2, 2, 3))}{_day(rng)}"
        return replace(other, sex=sex, given_names=_another_name(one, sex, names), birth_date=born)
    if kind == "parent or child of the same name":
        same_day = one.birth_date[4:] if rng.random() < 0.05 else _day(rng)
        return replace(
            other, birth_date=f"{int(one.birth_date[:4]) + rng.randint(18, 40)}{same_day}"
        )
    return replace(
        other, birth_date=one.birth_date[:4] + _day(rng), telephone="06" + names.digits(8)
    )


def _another_name(one: Record, sex: str, names: _Names) -> str:
    """Parents give no two of their children the same first name."""
    while True:
        given = names.given_names(sex)
        if given.split()[0] != one.given_names.split()[0]:
            return given


def _day(rng: Random) -> str:
    return f"-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"

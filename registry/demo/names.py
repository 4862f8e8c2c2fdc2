"""Made-up names: flowers and trees in several languages and scripts. No real person is meant."""

from __future__ import annotations

from random import Random

_FAMILY = {
    "NL": ("Zonnebloem", "Korenbloem", "Lissenveld", "Madelief", "van der Wilgenroos", "Klaproos",
           "Dotterbloem", "Heidekruid", "Rietsigaar", "Waterlelie", "Berkenhof", "Sleedoorn",
           "Vlierboom", "van Hazelaar", "Esdoorn", "Kamperfoelie", "Meidoorn", "Lijsterbes"),
    "DE": ("Kornblume", "Löwenzahn", "Gänseblum", "Fingerhut", "Schlüsselblum", "Vergissmeinnicht",
           "Rittersporn", "Königskerz", "Holunder", "Weißdorn", "Silberdistel", "Ehrenpreis",
           "Ackerwinde", "Seidelbast"),
    "IT": ("Girasole", "Papavero", "Ginestra", "Fiordaliso", "D'Alloro", "Rosmarino", "Biancospino",
           "Corbezzolo", "Ciclamino", "Lavanda"),
    "ES": ("Amapola", "Margarita de los Prados", "Jazmín", "Azucena", "Romero Silvestre", "Retama",
           "Tomillo", "Madreselva"),
    "SE": ("Blåklint", "Prästkrage", "Smörblomma", "Åkerbär", "Liljekonvalj", "Hästhov", "Renfana",
           "Vitsippa"),
}  # fmt: skip
_ANYWHERE = ("O'Foxglove", "زهرة الياسمين", "Šípková-Růžičková", "Chrysanthemum", "Łąkowa")
_GIVEN = {
    "female": ("Iris", "Linnea", "Viola", "Erica", "Jasmin", "Dahlia", "Fleur", "Marguerite",
               "Rosa", "Lilian", "Hortensia", "Silvia", "Flora", "Camellia"),
    "male": ("Florian", "Narcis", "Jacint", "Oleander", "Basil", "Bryony", "Ash", "Rowan",
             "Laurence", "Silvan", "Linden", "Alder", "Juniper", "Cornel"),
}  # fmt: skip


def identity(rng: Random, number: int, country: str, sex: str) -> dict[str, str]:
    """A family name as in the country, one in nine from elsewhere, and a given name."""
    family = rng.choice(_ANYWHERE if number % 9 == 4 else _FAMILY.get(country, _FAMILY["NL"]))
    return {"family_name": family, "given_names": rng.choice(_GIVEN[sex])}

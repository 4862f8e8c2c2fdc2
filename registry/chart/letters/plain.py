"""Plain words for what a record says in codes: short sentences that a patient can read.

The wording is the product's own. It explains, it does not predict: no numbers of survival, no
promise. Codes that have no plain words here are left out of a patient's letter, never shown raw.
"""

from __future__ import annotations

from typing import Any

from registry.language import lazy_gettext as _l

#: What the tumour is, by the category of the grading rule.
KINDS: dict[str, Any] = {
    "NEC": _l(
        "You have a neuroendocrine carcinoma, or NEC for short. It is a kind of cancer. It grows "
        "from cells that can make hormones. Hormones are messengers in the blood."
    ),
    "MTC": _l(
        "You have a medullary thyroid cancer. It grows from cells of the thyroid that make a "
        "hormone. The thyroid is a gland in the neck."
    ),
    "PPGL": _l(
        "You have a tumour of cells that make stress hormones. Doctors call it a "
        "phaeochromocytoma or a paraganglioma."
    ),
    "MERKEL": _l("You have a Merkel cell cancer. It is a cancer of the skin."),
    "MIXED": _l("You have a mixed tumour. One part of it is made of cells that can make hormones."),
    "NET": _l(
        "You have a neuroendocrine tumour, or NET for short. It is a kind of cancer. It grows "
        "from cells that can make hormones. Hormones are messengers in the blood."
    ),
}


def kind_of(category: str | None) -> str:
    """Which of KINDS a derived category is; NET where nothing else is said."""
    found = category or ""
    for word, kind in (("NEC", "NEC"), ("SCLC", "NEC"), ("MTC", "MTC"), ("PPGL", "PPGL"),
                       ("MERKEL", "MERKEL"), ("MINEN", "MIXED")):  # fmt: skip
        if word in found and not found.startswith("NOT_MINEN"):
            return kind
    return "NET"


#: How fast the cells divide, by the grade.
GRADES: dict[str, Any] = {
    "1": _l("Your tumour is grade 1. Its cells divide slowly."),
    "2": _l("Your tumour is grade 2. Its cells divide faster than those of grade 1."),
    "3": _l("Your tumour is grade 3. Its cells divide fast."),
}
GRADE = _l("Doctors give a tumour a grade. The grade says how fast its cells divide.")
GRADE_OPEN = _l("Your doctors are still checking the grade of your tumour.")

#: Where a tumour began, by the group of its place.
SITES: dict[str, Any] = {
    "pancreas": _l("the pancreas, a gland behind the stomach"),
    "small_bowel": _l("the small bowel, the long part of the gut after the stomach"),
    "duodenum": _l("the duodenum, the first part of the gut after the stomach"),
    "ampulla": _l("the place where the bile duct opens into the gut"),
    "stomach": _l("the stomach"),
    "appendix": _l("the appendix, a small pouch of the gut"),
    "colon": _l("the colon, the large part of the gut"),
    "rectum": _l("the rectum, the last part of the gut"),
    "hepatobiliary": _l("the liver or the bile ducts"),
    "lung": _l("the lung"),
    "thymus": _l("the thymus, a gland behind the breastbone"),
    "thyroid_mtc": _l("the thyroid, a gland in the neck"),
    "adrenal_ppgl": _l("the adrenal gland, or nerve tissue like it"),
    "skin_merkel": _l("the skin"),
}
SITE_UNKNOWN = _l("It is not known where in the body it began. This is not rare.")

#: Where it has also been found.
SPREAD: dict[str, Any] = {
    "liver": _l("the liver"),
    "bone": _l("the bones"),
    "lung": _l("the lungs"),
    "nodes_distant": _l("lymph nodes"),
    "peritoneum": _l("the lining of the belly"),
    "brain": _l("the brain"),
    "ovary": _l("an ovary"),
    "heart": _l("the heart"),
    "skin": _l("the skin"),
    "pancreas": _l("the pancreas"),
    "adrenal": _l("an adrenal gland"),
    "pleura": _l("the lining of the lungs"),
    "breast": _l("a breast"),
    "orbit": _l("the eye socket"),
    "thyroid": _l("the thyroid"),
    "spleen": _l("the spleen"),
    "bone_marrow": _l("the bone marrow"),
}
SPREAD_OTHER = _l("another place in the body")

#: What a hormone syndrome can cause.
SYNDROMES: dict[str, Any] = {
    "carcinoid": _l(
        "Your tumour makes hormones that can cause a hot, red face (flushing) and loose stools. "
        "Doctors call this carcinoid syndrome."
    ),
    "insulinoma": _l(
        "Your tumour makes insulin. Insulin lowers the sugar in the blood. If it falls too low "
        "you can feel weak, shaky or confused."
    ),
    "gastrinoma": _l(
        "Your tumour makes gastrin. It makes the stomach produce too much acid. This can cause "
        "pain and loose stools."
    ),
    "vipoma": _l("Your tumour makes a hormone that can cause a lot of watery stools."),
    "glucagonoma": _l(
        "Your tumour makes glucagon. It raises the sugar in the blood and can cause a rash."
    ),
    "somatostatinoma": _l(
        "Your tumour makes a hormone that can raise the sugar in the blood and cause gallstones."
    ),
    "ectopic_acth": _l(
        "Your tumour makes a hormone that raises the level of cortisol. Cortisol is a stress "
        "hormone of the body."
    ),
    "pthrp": _l("Your tumour makes a hormone that raises the level of calcium in the blood."),
    "catecholamine": _l(
        "Your tumour makes stress hormones. They can make the heart race and the blood pressure "
        "rise."
    ),
    "calcitonin": _l("Your tumour makes a hormone that can cause loose stools."),
}
SYNDROME_OTHER = _l("Your tumour makes hormones that can cause complaints.")

#: A treatment: (what it is called, what it does).
THERAPIES: dict[str, tuple[Any, Any]] = {
    "surgery": (_l("Operation"), _l("Surgeons took out the tumour, or part of it.")),
    "SSA": (
        _l("Hormone-blocking injections"),
        _l("This medicine lowers the hormones and can slow the tumour down."),
    ),
    "PRRT": (
        _l("Radioactive medicine (PRRT)"),
        _l(
            "The medicine is given into a vein. It finds the tumour cells and treats them from "
            "within."
        ),
    ),
    "chemotherapy": (
        _l("Chemotherapy"),
        _l("These medicines stop cells that divide fast."),
    ),
    "targeted": (
        _l("Targeted medicine"),
        _l("This medicine blocks signals that the tumour needs to grow."),
    ),
    "immunotherapy": (
        _l("Immunotherapy"),
        _l("This medicine helps the body's own defence against the tumour."),
    ),
    "interferon": (
        _l("Interferon injections"),
        _l("This medicine lowers the hormones and helps the body's own defence."),
    ),
    "liver-directed": (
        _l("Treatment of the liver through its blood vessels"),
        _l("A thin tube is led to the liver. The tumours there are treated through it."),
    ),
    "ablation": (
        _l("Treatment of single tumours with heat or cold"),
        _l("A needle is led to the tumour. Its tip destroys it."),
    ),
    "radiotherapy": (
        _l("Radiation from outside"),
        _l("Rays are aimed at the tumour from outside the body."),
    ),
    "hormonal-symptom control": (
        _l("Medicine against the effects of hormones"),
        _l("It makes the complaints less."),
    ),
    "surveillance": (
        _l("Watching closely, without treatment"),
        _l("You have regular checks. Treatment begins only when you need it."),
    ),
    "trial": (_l("Treatment in a study"), _l("A study tests a treatment with care.")),
    "supportive": (_l("Treatment to feel better"), _l("It makes the complaints less.")),
}

#: Why a treatment ended; what is not here is not said.
ENDED: dict[str, Any] = {
    "completed": _l("It was given as planned."),
    "progression": _l("It was stopped because the tumour had grown."),
    "intolerance": _l("It was stopped because of side effects."),
    "patient_choice": _l("It was stopped because you wished so."),
    "comorbidity": _l("It was stopped because of another illness."),
}

#: How the illness stood.
STATUS: dict[str, Any] = {
    "no_evidence": _l("no tumour was seen"),
    "improved": _l("the tumour had become smaller"),
    "stable": _l("the tumour had not changed"),
    "worse": _l("the tumour had grown"),
    "present": _l("the tumour was still there"),
}

#: Examinations that come next.
TESTS: dict[str, Any] = {
    "visit": _l("A visit to your doctor"),
    "ct_mri": _l("A scan (CT or MRI)"),
    "sstr": _l("A special scan that shows the tumour cells (PET)"),
    "fdg": _l("A special scan that shows how active the tumour is (PET)"),
    "markers": _l("A blood test for substances the tumour makes"),
    "hiaa": _l("A urine or blood test for hormones"),
    "nt_probnp": _l("A blood test for the heart"),
    "echo": _l("An ultrasound of the heart"),
    "blood": _l("A blood test of blood cells and kidneys"),
    "endoscopy": _l("A look inside with a camera (endoscopy)"),
    "quality_of_life": _l("Questions on how you are"),
}

#: What can stay after treatment.
EFFECTS: dict[str, Any] = {
    "kidney": _l("Your kidneys work less well than before."),
    "blood": _l("Your blood has fewer cells than is usual."),
    "mds_leukaemia": _l("An illness of the bone marrow, where blood is made."),
    "diabetes": _l("Diabetes: too much sugar in the blood."),
    "exocrine": _l("Your pancreas makes too little juice to digest fat."),
    "gallstones": _l("Gallstones."),
    "bile_acid_diarrhoea": _l("Loose stools because of bile acids."),
    "short_bowel": _l("Your gut is shorter and takes up less food."),
    "malnutrition": _l("You have lost weight, or lack food that your body needs."),
    "vitamin_deficiency": _l("You lack a vitamin."),
    "adhesions": _l("Scars in the belly that can hold up the gut."),
    "liver": _l("Your liver works less well than before."),
    "biliary": _l("A narrow or inflamed bile duct."),
    "heart": _l("An illness of the heart."),
    "osteoporosis": _l("Thin bones (osteoporosis)."),
    "adrenal": _l("Your adrenal glands make too little hormone."),
    "hypothyroidism": _l("Your thyroid makes too little hormone."),
    "neuropathy": _l("Numb or tingling hands or feet."),
    "fatigue": _l("Feeling tired for a long time."),
    "fertility": _l("It may be harder to have children."),
    "sexual": _l("Changes in your sex life."),
    "cognitive": _l("Trouble with memory or focus."),
    "pain": _l("Pain that stays."),
    "hernia": _l("A weak place in the wall of the belly, or a wound."),
    "second_cancer": _l("Another cancer."),
    "other": _l("Something else that your doctor knows about."),
}

#: What somebody may need help with.
NEEDS: dict[str, Any] = {
    "information": _l("More information on your illness"),
    "nutrition": _l("Food and eating"),
    "pain": _l("Pain"),
    "fatigue": _l("Feeling tired"),
    "anxiety": _l("Worry or feeling low"),
    "family": _l("Help for your family"),
    "work": _l("Work and money"),
    "travel": _l("The way to the hospital"),
    "sexuality": _l("Sex and having children"),
    "genetics": _l("Advice on genes that run in families"),
    "palliative": _l("Care that eases complaints"),
    "spiritual": _l("Somebody to talk with about faith and meaning"),
    "peer": _l("Meeting other patients"),
    "other": _l("Something else you told us about"),
}

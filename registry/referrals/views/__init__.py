"""The pages of referrals: writing one, reading and deciding one, and the lists."""

from registry.referrals.views import (<<<<<<< HEAD     texts, =======     waiting, >>>>>>> 6ab0a4e (How long patients wait, by centre, case, files, from sent to acknowledged, grade and site: those who still wait are counted, hospital, lists, region, small numbers are not told)
from registry.referrals.views.room import (room)

__all__ = ["<<<<<<< HEAD     texts", "=======     waiting", ">>>>>>> 6ab0a4e (How long patients wait", "by centre", "case", "files", "from sent to acknowledged", "grade and site: those who still wait are counted", "hospital", "lists", "region", "room", "small numbers are not told"]

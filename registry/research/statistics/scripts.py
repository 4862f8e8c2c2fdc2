"""Scripts that redo an analysis from its own rows: with R and with Python, outside the product."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

_SURVIVAL_R = """# {title}. Needs the package survival.
library(survival)
d <- read.csv("{name}-data.csv", na.strings = c("NA", ""))
fit <- survfit(Surv(months, event == 1) ~ {group}, data = d)
print(fit)
print(summary(fit, times = c({times})))
print(survfit(Surv(months, event == 0) ~ {group}, data = d))  # follow-up
plot(fit, conf.int = TRUE, xlab = "Months", lty = 1:7)
{test}"""

_COX_R = """{levels}
cox <- coxph(Surv(months, event == 1) ~ {terms}, data = d)
print(summary(cox))
print(cox.zph(cox, transform = "km", terms = FALSE))
"""

_COX_PY = """
from lifelines import CoxPHFitter

m = d[["months", "event", {terms}]].replace("", np.nan).dropna()
levels = {levels}
m = pd.get_dummies(m, columns=list(levels), dtype=float)
m = m.drop(columns=[f"{{name}}_{{level}}" for name, level in levels.items()]).astype(float)
print(CoxPHFitter().fit(m, "months", "event").summary.to_string())
"""

_SURVIVAL_PY = """# {title}. Needs lifelines and matplotlib.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.plotting import add_at_risk_counts
from lifelines.statistics import multivariate_logrank_test

d = pd.read_csv("{name}-data.csv", dtype={{"group": str}}, keep_default_na=False)
axes, fitted = plt.subplots()[1], []
for group, rows in d.groupby("group"):
    fitter = KaplanMeierFitter(label=group or "All").fit(rows["months"], rows["event"] == 1)
    fitter.plot_survival_function(ax=axes, show_censors=True)
    fitted.append(fitter)
    print(fitter.label, "median", fitter.median_survival_time_)
    t = fitter.event_table
    greenwood = (t["observed"] / (t["at_risk"] * (t["at_risk"] - t["observed"]))).cumsum()
    for time in ({times},):
        s = float(fitter.predict(time))
        width = 1.959964 * np.sqrt(greenwood[greenwood.index <= time].iloc[-1])
        at_risk = int((rows["months"] >= time).sum())
        print(time, at_risk, round(s, 6), round(s * width / 1.959964, 6),
              round(s * np.exp(-width), 6), round(min(1, s * np.exp(width)), 6))
add_at_risk_counts(*fitted, ax=axes)
if d["group"].nunique() > 1:
    print(multivariate_logrank_test(d["months"], d["group"], d["event"] == 1).summary)
plt.tight_layout()
plt.savefig("{name}.png", dpi=200)
"""

_INCIDENCE_R = """# {title}. Needs the package survival; 1 is progression, 2 death without it.
library(survival)
d <- read.csv("{name}-data.csv")
d$what <- factor(d$event, 0:2, labels = c("censored", "progression", "death"))
fit <- survfit(Surv(months, what) ~ {group}, data = d)
print(summary(fit, times = c({times})))
plot(fit, xlab = "Months", lty = 1:7)
"""

_INCIDENCE_PY = """# {title}. 1 is progression, 2 death without it. Needs pandas and matplotlib.
import matplotlib.pyplot as plt
import pandas as pd

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
axes = plt.subplots()[1]
for group, rows in d.groupby("group"):
    free, reached, curve = 1.0, {{1: 0.0, 2: 0.0}}, [(0.0, 0.0, 0.0)]
    for time, now in rows.groupby("months")["event"]:
        at_risk = (rows["months"] >= time).sum()
        for kind in reached:
            reached[kind] += free * (now == kind).sum() / at_risk
        free *= 1 - (now > 0).sum() / at_risk
        curve.append((time, reached[1], reached[2]))
    curve = pd.DataFrame(curve, columns=["months", "progression", "death"])
    for what in ("progression", "death"):
        axes.step(curve["months"], curve[what], where="post", label=f"{{group}} {{what}}")
    for time in ({times},):
        print(group or "All", time, (rows["months"] >= time).sum(),
              *curve[curve["months"] <= time].iloc[-1][["progression", "death"]].round(6))
axes.set_xlabel("Months")
axes.legend()
plt.savefig("{name}.png", dpi=200)
"""

_RATES_R = """# {title}: exact intervals of Clopper and Pearson.
d <- read.csv("{name}-data.csv", colClasses = c(best = "character"))
d <- d[d$best %in% c("CR", "PR", "SD", "NON_CR_NON_PD", "PD"), ]
rates <- list(ORR = c("CR", "PR"), DCR = c("CR", "PR", "SD", "NON_CR_NON_PD"))
found <- do.call(rbind, lapply(names(rates), function(what) do.call(rbind,
  lapply(split(d$best, d$group), function(best) {{
    one <- binom.test(sum(best %in% rates[[what]]), length(best))
    data.frame(rate = what, having = one$statistic, evaluable = one$parameter,
               estimate = one$estimate, low = one$conf.int[1], high = one$conf.int[2])
  }}))))
found$group <- rep(levels(factor(d$group)), length(rates))
print(found, digits = 6, row.names = FALSE)
y <- rev(seq_len(nrow(found)))
plot(found$estimate, y, xlim = c(0, 1), yaxt = "n", xlab = "Share", ylab = "", pch = 16)
segments(found$low, y, found$high, y)
axis(2, y, paste(found$rate, found$group), las = 1, cex.axis = 0.6)
"""

_RATES_PY = """# {title}: intervals of Clopper and Pearson. Needs pandas, scipy, matplotlib.
import matplotlib.pyplot as plt
import pandas as pd
from scipy.stats import binomtest

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
d = d[d["best"].isin(["CR", "PR", "SD", "NON_CR_NON_PD", "PD"])]
axes = plt.subplots()[1]
for what, codes in {{"ORR": ["CR", "PR"], "DCR": ["CR", "PR", "SD", "NON_CR_NON_PD"]}}.items():
    for group, rows in d.groupby("group"):
        found = binomtest(int(rows["best"].isin(codes).sum()), len(rows))
        between = found.proportion_ci(method="exact")
        print(group or "All", what, found.k, found.n, *(round(one, 6) for one in
              (found.statistic, between.low, between.high)))
        axes.plot([between.low, between.high], [f"{{what}} {{group}}"] * 2)
        axes.plot([found.statistic], [f"{{what}} {{group}}"], "o")
plt.tight_layout()
plt.savefig("{name}.png", dpi=200)
"""

_WINDOWS_R = """# {title}: the latest of each patient in each window of {fewest} patients or more.
d <- read.csv("{name}-data.csv")
d$window <- floor(d$months / {width}) * {width}
d <- d[d$months >= 0, ]
d <- d[order(d$patient_id, d$months), ]
d <- d[!duplicated(d[c("patient_id", "window")], fromLast = TRUE), ]
found <- do.call(rbind, lapply(split(d, d$window), function(one) {{
  x <- one$value
  if (length(x) < {fewest}) return(NULL)
  {summary_r}
  data.frame(window = one$window[1], patients = length(x), middle = q[2], low = q[1], high = q[3])
}}))
found <- head(found, {most})
print(found, digits = 6, row.names = FALSE)
plot(found$window + {width} / 2, found$middle, type = "b", xlab = "Months from diagnosis",
     ylab = "", ylim = range(found[c("low", "high")]))
arrows(found$window + {width} / 2, found$low, y1 = found$high, angle = 90, code = 3, length = 0.04)
"""

_WINDOWS_PY = """# {title}: the latest of each patient in each window of {fewest} patients or more.
# Needs pandas, scipy and matplotlib.
import matplotlib.pyplot as plt
import pandas as pd
from scipy.stats import t

d = pd.read_csv("{name}-data.csv")
d["window"] = d["months"] // {width} * {width}
d = d[d["months"] >= 0].sort_values("months", kind="stable")
x = d.groupby(["window", "patient_id"])["value"].last().groupby("window")
found = pd.DataFrame({{"patients": x.count(), {summary_py}}})
found = found[found["patients"] >= {fewest}].head({most})
print(found.round(4).to_string())
plt.errorbar(found.index + {width} / 2, found["middle"], capsize=3,
             yerr=[found["middle"] - found["low"], found["high"] - found["middle"]])
plt.xlabel("Months from diagnosis")
plt.savefig("{name}.png", dpi=200)
"""

_LINES_R = """# {title}: who went on to what, of the tumour with most lines.
d <- read.csv("{name}-data.csv", colClasses = c(class = "character", next_class = "character"))
d <- d[d$next_class != "" & !is.na(d$next_class), ]
found <- aggregate(patient_id ~ line + class + next_class, d, length)
names(found)[4] <- "patients"
print(found[order(found$line, found$class, found$next_class), ], row.names = FALSE)
"""

_LINES_PY = """# {title}: who went on to what, of the tumour with most lines. Needs pandas.
import pandas as pd

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
d = d[d["next_class"] != ""]
print(d.groupby(["line", "class", "next_class"])["patient_id"].count().to_string())
"""


_LANES_R = """# {title}.
d <- read.csv("{name}-data.csv")
bars <- d[!is.na(d$to_months), ]
marks <- d[is.na(d$to_months), ]
last <- sort(tapply(bars$to_months, bars$patient_id, max))
kinds <- unique(bars$what)
plot(NULL, xlim = c(0, max(last)), ylim = c(1, length(last)), yaxt = "n", ylab = "",
     xlab = "Months from the first therapy")
segments(bars$from_months, match(bars$patient_id, names(last)), bars$to_months, lwd = 5,
         col = match(bars$what, kinds) + 1, lend = "butt")
points(marks$from_months, match(marks$patient_id, names(last)),
       pch = ifelse(marks$what == "death", 4, 6))
legend("bottomright", kinds, fill = seq_along(kinds) + 1, cex = 0.7)
print(aggregate(patient_id ~ what, bars, function(x) c(patients = length(unique(x)),
                                                       therapies = length(x))))
"""

_LANES_PY = """# {title}. Needs pandas and matplotlib.
import matplotlib.pyplot as plt
import pandas as pd

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
d["to_months"] = pd.to_numeric(d["to_months"])
marks = d[d["to_months"].isna()]
bars = d.dropna(subset="to_months")
order = bars.groupby("patient_id")["to_months"].max().sort_values().index
row = {{patient: place for place, patient in enumerate(order)}}
figure, axes = plt.subplots(figsize=(8, 1 + 0.2 * len(order)))
for what, some in bars.groupby("what"):
    axes.barh(some["patient_id"].map(row), some["to_months"] - some["from_months"],
              left=some["from_months"], label=what or "no class")
for (what, some), sign in zip(marks.groupby("what"), "Xv"):
    axes.plot(some["from_months"], some["patient_id"].map(row), sign, color="black", label=what)
axes.set_xlabel("Months from the first therapy")
axes.legend()
plt.tight_layout()
plt.savefig("{name}.png", dpi=200)
"""


def survival(
    name: str,
    title: str,
    *,
    grouped: bool,
    times: str,
    covariates: Sequence[str] = (),
    references: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Kaplan–Meier, with the log-rank test where there are groups, and the model of Cox on these
    columns; `references` are the levels that others are compared with."""
    test = "print(survdiff(Surv(months, event == 1) ~ group, data = d))\n" if grouped else ""
    found = _both(_SURVIVAL_R, _SURVIVAL_PY, name=name, title=title, times=times, test=test,
                  group="group" if grouped else "1")  # fmt: skip
    if not covariates:
        return found
    levels = dict(references or {})
    in_r = "\n".join(
        f"d${one} <- relevel(factor(d${one}), ref = {json.dumps(level, ensure_ascii=False)})"
        for one, level in levels.items()
    )
    quoted = ", ".join(f'"{one}"' for one in covariates)
    model = {
        "R": _COX_R.format(levels=in_r, terms=" + ".join(covariates)),
        "py": _COX_PY.format(levels=levels, terms=quoted),
    }
    return {ending: code + model[ending] for ending, code in found.items()}


def incidence(name: str, title: str, *, grouped: bool, times: str) -> dict[str, str]:
    """Cumulative incidence with R's survfit of several states."""
    values = {"name": name, "title": title, "times": times}
    group = "group" if grouped else "1"
    return {"R": _INCIDENCE_R.format(group=group, **values), "py": _INCIDENCE_PY.format(**values)}


def rates(name: str, title: str) -> dict[str, str]:
    """Response rates."""
    return _both(_RATES_R, _RATES_PY, name=name, title=title)


_MEDIANS = (
    "q <- quantile(x, c(.25, .5, .75))",
    '"middle": x.median(), "low": x.quantile(0.25), "high": x.quantile(0.75)',
)
_MEANS = (
    "q <- mean(x) + c(-1, 0, 1) * qt(.975, length(x) - 1) * sd(x) / sqrt(length(x))\n"
    "  q <- pmin(pmax(q, 0), 100)",
    '"middle": x.mean(),\n'
    '    "low": (x.mean() - t.ppf(0.975, x.count() - 1) * x.sem()).clip(lower=0),\n'
    '    "high": (x.mean() + t.ppf(0.975, x.count() - 1) * x.sem()).clip(upper=100)',
)


def windows(
    name: str, title: str, width: int, *, fewest: int, most: int, medians: bool
) -> dict[str, str]:
    """The latest values in windows of time: medians with quartiles, or means with their interval.

    Windows of `fewest` patients or more, and so many at most.
    """
    r, py = _MEDIANS if medians else _MEANS
    return _both(_WINDOWS_R, _WINDOWS_PY, name=name, title=title, width=width, fewest=fewest,
                 most=most, summary_r=r, summary_py=py)  # fmt: skip


def lines(name: str, title: str) -> dict[str, str]:
    """Which line was followed by which."""
    return _both(_LINES_R, _LINES_PY, name=name, title=title)


def lanes(name: str, title: str) -> dict[str, str]:
    """Therapies of each patient."""
    return _both(_LANES_R, _LANES_PY, name=name, title=title)


def _both(r: str, py: str, **values: object) -> dict[str, str]:
    return {"R": r.format(**values), "py": py.format(**values)}

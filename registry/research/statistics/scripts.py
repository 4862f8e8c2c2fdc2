"""Scripts that redo an analysis from its own rows: with R and with Python, outside the product."""

from __future__ import annotations

_SURVIVAL_R = """# {title}. Needs the package survival.
library(survival)
d <- read.csv("{name}-data.csv")
fit <- survfit(Surv(months, event == 1) ~ {group}, data = d)
print(fit)
print(summary(fit, times = c({times})))
plot(fit, conf.int = TRUE, xlab = "Months", lty = 1:7)
{test}"""

_SURVIVAL_PY = """# {title}. Needs lifelines and matplotlib.
import matplotlib.pyplot as plt
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
    print(fitter.label, fitter.median_survival_time_)
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

_RATES_R = """# {title}: exact intervals of Clopper and Pearson.
d <- read.csv("{name}-data.csv", colClasses = c(best = "character"))
for (g in unique(d$group)) {{
  best <- d$best[d$group == g & d$best %in% c("CR", "PR", "SD", "NON_CR_NON_PD", "PD")]
  if (length(best) == 0) next
  cat(g, length(best), "\\n")
  print(binom.test(sum(best %in% c("CR", "PR")), length(best)))
  print(binom.test(sum(best %in% c("CR", "PR", "SD", "NON_CR_NON_PD")), length(best)))
}}
"""

_RATES_PY = """# {title}: exact intervals of Clopper and Pearson. Needs pandas and scipy.
import pandas as pd
from scipy.stats import binomtest

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
d = d[d["best"].isin(["CR", "PR", "SD", "NON_CR_NON_PD", "PD"])]
for group, rows in d.groupby("group"):
    for what, codes in {{"ORR": ["CR", "PR"], "DCR": ["CR", "PR", "SD", "NON_CR_NON_PD"]}}.items():
        found = binomtest(int(rows["best"].isin(codes).sum()), len(rows))
        print(group or "All", what, found.statistic, found.proportion_ci(method="exact"))
"""

_WINDOWS_R = """# {title}.
d <- read.csv("{name}-data.csv")
d$window <- floor(d$months / {width}) * {width}
print(aggregate(value ~ window, d, function(x) c(n = length(x), {summary_r})))
"""

_WINDOWS_PY = """# {title}. Needs pandas.
import pandas as pd

d = pd.read_csv("{name}-data.csv")
d["window"] = d["months"] // {width} * {width}
print(d.groupby("window")["value"].agg(["count", {summary_py}]))
"""

_LINES_R = """# {title}.
d <- read.csv("{name}-data.csv")
first <- d[d$line == 1, c("patient_id", "classes")]
second <- d[d$line == 2, c("patient_id", "classes")]
both <- merge(first, second, by = "patient_id", all.x = TRUE, suffixes = c(".1", ".2"))
print(table(both$classes.1, both$classes.2, useNA = "ifany"))
"""

_LINES_PY = """# {title}. Needs pandas.
import pandas as pd

d = pd.read_csv("{name}-data.csv", keep_default_na=False)
wide = d.pivot_table(index="patient_id", columns="line", values="classes", aggfunc="first")
print(wide.fillna("none").value_counts())
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


def survival(name: str, title: str, *, grouped: bool, times: str) -> dict[str, str]:
    """Kaplan–Meier, with the log-rank test where there are groups."""
    test = "print(survdiff(Surv(months, event == 1) ~ group, data = d))\n" if grouped else ""
    values = {"name": name, "title": title, "times": times, "test": test}
    group = "group" if grouped else "1"
    return {"R": _SURVIVAL_R.format(group=group, **values), "py": _SURVIVAL_PY.format(**values)}


def incidence(name: str, title: str, *, grouped: bool, times: str) -> dict[str, str]:
    """Cumulative incidence with R's survfit of several states."""
    group = "group" if grouped else "1"
    return {"R": _INCIDENCE_R.format(name=name, title=title, group=group, times=times)}


def rates(name: str, title: str) -> dict[str, str]:
    """Response rates."""
    return {"R": _RATES_R.format(name=name, title=title),
            "py": _RATES_PY.format(name=name, title=title)}  # fmt: skip


def windows(name: str, title: str, width: int, *, medians: bool) -> dict[str, str]:
    """Values in windows of time: medians with quartiles, or means with their error."""
    values = {
        "name": name,
        "title": title,
        "width": width,
        "summary_r": "quantile(x, c(.25, .5, .75))" if medians else "mean = mean(x), sd = sd(x)",
        "summary_py": '"median"' if medians else '"mean", "std"',
    }
    return {"R": _WINDOWS_R.format(**values), "py": _WINDOWS_PY.format(**values)}


def lines(name: str, title: str) -> dict[str, str]:
    """Which line was followed by which."""
    return {"R": _LINES_R.format(name=name, title=title),
            "py": _LINES_PY.format(name=name, title=title)}  # fmt: skip


def lanes(name: str, title: str) -> dict[str, str]:
    """Therapies of each patient."""
    return {"py": _LANES_PY.format(name=name, title=title)}

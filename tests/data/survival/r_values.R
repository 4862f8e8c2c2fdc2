# Survival statistics of the data sets beside this file, by R's `survival`: what the tests compare with.
#   Rscript r_values.R > r_values.json
suppressMessages(library(survival))
library(jsonlite)
options(digits = 17)

number <- function(x) if (length(x) == 0) NULL else unname(ifelse(is.finite(x), x, NA))

# Every tenth time is enough for the tests, and the last one.
some <- function(x) if (length(x)) unique(c(seq(1, length(x), 10), length(x))) else integer()

curve <- function(fit) {
  at <- some(fit$time)
  list(
    time = I(number(fit$time[at])), at_risk = I(number(fit$n.risk[at])), estimate = I(number(fit$surv[at])),
    std_error = I(number((fit$surv * fit$std.err)[at])), ci_low = I(number(fit$lower[at])), ci_high = I(number(fit$upper[at]))
  )
}

one <- function(file, time, event, value, group = NULL, covariates = NULL, competing = NULL) {
  d <- read.csv(file, na.strings = c("NA", ""), check.names = FALSE)
  d$.t <- d[[time]]; d$.e <- as.integer(as.character(d[[event]]) == value)
  found <- list(file = file, time = time, event = event, event_value = value, group = group,
                covariates = if (!is.null(covariates)) I(covariates), competing = competing)
  if (!is.null(competing)) {
    d$.k <- factor(ifelse(d$.e == 1, 1, ifelse(d[[competing]] == 1, 2, 0)), 0:2, c("censor", "event", "other"))
    s <- summary(survfit(Surv(.t, .k) ~ 1, d), times = sort(unique(d$.t[d$.e == 1])))
    at <- match("event", s$states)
    few <- some(s$time)
    found$incidence <- list(time = s$time[few], estimate = s$pstate[few, at], std_error = s$std.err[few, at])
    return(found)
  }
  d <- d[!is.na(d$.t) & !is.na(d$.e), ]
  everybody <- d
  if (!is.null(group)) d <- d[!is.na(d[[group]]), ]
  for (type in c("log", "log-log", "plain"))
    found$curves[[type]] <- curve(survfit(Surv(.t, .e) ~ 1, d, conf.type = type))
  found$median <- number(summary(survfit(Surv(.t, .e) ~ 1, d))$table[c("median", "0.95LCL", "0.95UCL")])
  if (!is.null(group)) {
    d$.g <- factor(as.character(d[[group]]))
    found$groups <- sapply(levels(d$.g), function(g) curve(survfit(Surv(.t, .e) ~ 1, d[d$.g == g, ])), simplify = FALSE)
    test <- survdiff(Surv(.t, .e) ~ .g, d)
    df <- sum(test$exp > 0) - 1
    found$log_rank <- list(chi2 = test$chisq, df = df, p = pchisq(test$chisq, df, lower.tail = FALSE))
  }
  if (!is.null(covariates)) {
    terms <- paste0("`", covariates, "`", collapse = " + ")
    fit <- coxph(as.formula(paste("Surv(.t, .e) ~", terms)), everybody, ties = "efron", control = coxph.control(eps = 1e-11, iter.max = 50))
    s <- summary(fit)$coefficients
    found$cox <- list(n = fit$n, events = fit$nevent, terms = data.frame(
      term = gsub("`", "", rownames(s)), coefficient = s[, 1], std_error = s[, 3], p = s[, 5], row.names = NULL))
    z <- cox.zph(fit, transform = "km", terms = FALSE)$table
    found$proportional <- data.frame(term = gsub("`", "", rownames(z)), chi2 = z[, 1], p = z[, 3], row.names = NULL)
  }
  found
}

sets <- list(
  one("lung.csv", "time", "status", "2"),
  one("lung.csv", "time", "status", "2", "sex", c("age", "sex", "ph.ecog")),
  one("lung.csv", "time", "status", "2", "ph.ecog", c("age", "wt.loss")),
  one("veteran.csv", "time", "status", "1", "celltype", c("trt", "celltype", "karno", "diagtime", "age", "prior")),
  one("mgus2.csv", "futime", "death", "1", "sex", c("age", "sex", "mspike")),
  one("gehan_6mp.csv", "t", "e", "1", "g", "g"),
  one("mgus2.csv", "ptime", "pstat", "1", competing = "death")
)
cat(toJSON(list(r = R.version.string, survival = as.character(packageVersion("survival")), sets = sets),
           digits = I(12), auto_unbox = TRUE, null = "null", na = "null"), "\n")

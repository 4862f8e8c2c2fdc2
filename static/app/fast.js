// Pages that are filled in with few keys: one key chooses an answer and goes on, dates and signs are
// read back, rows are added in place, the rest of a group is answered at once when that is asked for.
// Nothing here decides what is kept: the server reads the same boxes. Nothing is stored.

const form = document.querySelector(".fast-form");
const words = JSON.parse(form.dataset.words);
// The day first, as the server writes it.
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const months = new Intl.DateTimeFormat(language, { month: "short", year: "numeric", timeZone: "UTC" });

// -- going on --------------------------------------------------------------------------------------

function stops() {
  const found = [];
  for (const one of form.querySelectorAll("input, select, textarea, button, summary")) {
    if (one.type === "hidden" || one.disabled || one.tabIndex < 0 || one.matches(".app-clear, .fast-add")) continue;
    if (one.checkVisibility && !one.checkVisibility()) continue;
    if (one.type === "radio" && found.some((other) => other.type === "radio" && other.name === one.name)) continue;
    found.push(one);
  }
  return found;
}

function goTo(one) {
  if (!one) return;
  const chosen = one.type === "radio" ? form.querySelector(`input[name="${CSS.escape(one.name)}"]:checked`) : null;
  const target = chosen ?? one;
  target.focus();
  target.closest(".fast-field")?.scrollIntoView({ block: "nearest" });
}

/** The next question after this one, or after a whole group. */
function goOn(from) {
  const last = from.matches("input[type=radio]") ? from.closest("fieldset") : from;
  const after = (one) => last.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !last.contains(one);
  goTo(stops().find(after));
}

function tell(control) {
  control.dispatchEvent(new Event("input", { bubbles: true }));
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

// -- one key an answer -----------------------------------------------------------------------------

function choose(radio) {
  radio.checked = true;
  tell(radio);
}

function byKey(event) {
  const radio = event.target;
  if (!radio.matches?.("[data-keys] input[type=radio]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const group = radio.closest("[data-keys]");
  if (event.key === "Delete" || event.key === "Backspace") {
    const chosen = group.querySelector("input:checked");
    if (chosen) {
      chosen.checked = false;
      tell(chosen);
    }
    event.preventDefault();
    return;
  }
  const wanted =
    event.key === "="
      ? group.querySelector(`input[value="${CSS.escape(group.closest(".fast-field").dataset.last ?? "\u0000")}"]`)
      : event.key.length === 1 && !(event.shiftKey && /\p{Lu}/u.test(event.key))
        ? group.querySelector(`input[data-key="${CSS.escape(event.key.toLowerCase())}"]`)
        : null;
  if (!wanted) return;
  event.preventDefault();
  choose(wanted);
  goOn(wanted);
}

/** A second click takes an answer back, as Delete does. */
let wasChosen = null;
form.addEventListener("pointerdown", (event) => {
  const radio = event.target.closest(".fast-key")?.querySelector("input");
  wasChosen = radio?.checked ? radio : null;
});
form.addEventListener("click", (event) => {
  if (event.target === wasChosen && event.target.checked) {
    wasChosen.checked = false;
    tell(wasChosen);
    wasChosen = null;
  }
});

// -- the rest of a group ---------------------------------------------------------------------------

function answerRest(group, answer) {
  const names = new Set([...group.querySelectorAll("input[type=radio]")].map((one) => one.name));
  for (const name of names) {
    const own = [...group.querySelectorAll(`input[name="${CSS.escape(name)}"]`)];
    const open = !own.some((one) => one.checked);
    const wanted = own.find((one) => one.value === answer);
    if (open && wanted && wanted.checkVisibility?.() !== false) choose(wanted);
  }
  const after = (one) => group.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !group.contains(one);
  goTo(stops().find(after));
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-rest-answer]");
  if (!button) return;
  event.preventDefault();
  answerRest(button.closest("[data-rest]"), button.dataset.restAnswer);
});

function restByKey(event) {
  if (!event.shiftKey || !event.target.matches?.("input[type=radio]")) return;
  const group = event.target.closest("[data-rest]");
  const button = group?.querySelector(`[data-rest-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  answerRest(group, button.dataset.restAnswer);
}

// -- what was last known ---------------------------------------------------------------------------

function take(field) {
  const value = field.dataset.last;
  const box = field.querySelector("input:not([type=radio]), select, textarea");
  const radio = field.querySelector(`input[type=radio][value="${CSS.escape(value)}"]`);
  if (radio) choose(radio);
  else if (box) {
    box.value = value;
    tell(box);
  }
  goOn(radio ?? box);
}

function takeByKey(event) {
  const field = event.target.closest?.("[data-last]");
  if (event.key !== "=" || !field || event.target.type === "radio" || event.target.value !== "") return;
  event.preventDefault();
  take(field);
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take]");
  if (button) take(button.closest("[data-last]"));
});

// -- reading back ----------------------------------------------------------------------------------

function monthOf(text) {
  if (/^\d+$/.test(text)) return Number(text);
  for (let month = 0; month < 12; month += 1) {
    const shown = new Intl.DateTimeFormat(language, { month: "long", timeZone: "UTC" });
    if (text.length > 2 && shown.format(Date.UTC(2000, month, 1)).toLowerCase().startsWith(text)) return month + 1;
  }
  return NaN;
}

/** A typed date in words; empty for nothing typed, null for no date. Day first, as the server. */
function dateInWords(typed) {
  const text = typed.trim().toLowerCase();
  if (text === "") return "";
  if (text === "t") return days.format(Date.now());
  const pieces = text.split(/[\s./,-]+/).filter(Boolean);
  if (pieces.length > 3 || !pieces.length) return null;
  if (/^\d{4}$/.test(pieces[0]) && pieces.length > 1) pieces.reverse();
  const [year, month, day] = [...pieces].reverse();
  if (!/^\d{4}$/.test(year)) return null;
  if (month === undefined) return year;
  const number = monthOf(month);
  if (!(number >= 1 && number <= 12)) return null;
  if (day === undefined) return months.format(Date.UTC(Number(year), number - 1, 1));
  const moment = new Date(Date.UTC(Number(year), number - 1, Number(day)));
  return moment.getUTCMonth() === number - 1 && moment.getUTCDate() === Number(day) ? days.format(moment) : null;
}

function readBack(box) {
  const output = form.querySelector(`[data-read="${CSS.escape(box.id)}"]`);
  if (!output) return;
  const text = box.value.trim();
  const sign = text.slice(0, 1).toLowerCase();
  if (text !== "" && box.dataset.signs.includes(sign) && (text.length === 1 || sign === "!")) {
    output.textContent = words[sign] + (sign === "!" ? ` ${text.slice(1).trim()}` : "");
  } else {
    output.textContent = "date" in box.dataset ? (dateInWords(text) ?? words.nodate) : "";
  }
}

/** A code typed alone gets its words. */
function fillCode(box) {
  const list = document.getElementById(box.getAttribute("list") ?? `${box.id}-list`);
  const typed = box.value.trim().toLowerCase();
  if (!list || typed === "") return;
  const found = [...list.options].filter((one) => one.value.toLowerCase().startsWith(typed));
  if (found.length === 1) box.value = found[0].value;
}

// -- rows ------------------------------------------------------------------------------------------

const TO_COME = /__99__|__99(?=["\s<]|$)/g;

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (!button) return;
  event.preventDefault();
  const place = button.closest("[data-rows]");
  const count = place.querySelector(`input[name="${CSS.escape(button.dataset.add)}__rows"]`);
  const number = Number(count.value);
  const row = place.querySelector("template").content.firstElementChild.cloneNode(true);
  for (const element of [row, ...row.querySelectorAll("*")]) {
    for (const one of element.attributes) one.value = one.value.replace(TO_COME, (text) => text.replace("99", number));
  }
  count.value = number + 1;
  place.querySelector("template").before(row);
  showTakes(row);
  form.dispatchEvent(new Event("change"));
  goTo(row.querySelector("input:not([type=hidden]), select, textarea"));
});

// -- listening -------------------------------------------------------------------------------------

function showTakes(within) {
  for (const button of within.querySelectorAll("[data-take]")) button.hidden = false;
}

form.addEventListener("keydown", (event) => {
  restByKey(event);
  if (!event.defaultPrevented) byKey(event);
  if (!event.defaultPrevented) takeByKey(event);
});
const hangOn = new Set([...form.querySelectorAll("[data-show-if]")].map((one) => one.dataset.showIf));
form.addEventListener("input", (event) => {
  if (event.target.matches("[data-signs]")) readBack(event.target);
  // What depends on a box appears while it is typed, before Tab looks for the next one.
  if (event.target.matches("input[data-signs]") && hangOn.has(event.target.name)) form.dispatchEvent(new Event("change"));
});
form.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-code]")) fillCode(event.target);
});
showTakes(form);
const start = document.getElementById(form.dataset.start || location.hash.slice(1));
if (start?.matches("input, select, textarea")) {
  goTo(start);
  start.select?.();
}

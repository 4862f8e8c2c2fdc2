// What every form does: questions that depend on others, reasons for a missing value, a guard
// against sending twice, and Ctrl+Enter. Nothing is stored in the browser.

const words = document.getElementById("script-words")?.dataset ?? {};

/** What is chosen or typed under a name, as a list. */
function answers(form, name) {
  return new FormData(form).getAll(name).map(String).filter((text) => text !== "");
}

// -- questions that depend on others ---------------------------------------------------------------

/** The names under which a question is sent: a date has a box a part, or why there is none. */
function boxesOf(form, name) {
  if (form.querySelector(`[name="${CSS.escape(name)}"]`)) return [name];
  return [`${name}-year`, `${name}-absent`];
}

/** Show a question only while the question it depends on has one of the stated answers.
 * What was typed into a hidden one is kept and sent: the server decides what counts. */
function showConditional(form) {
  for (const question of form.querySelectorAll("[data-show-if]")) {
    const wanted = JSON.parse(question.dataset.showValues);
    const names = boxesOf(form, question.dataset.showIf);
    const asked = form.querySelector(`[name="${CSS.escape(names[0])}"]`);
    if (!asked) continue;
    const parent = asked.closest("[data-show-if]");
    const given = names.flatMap((name) => answers(form, name));
    const met = given.some((answer) => wanted.includes(answer) || wanted.includes("*"));
    // A question with an error or warning stays visible: a link in the summary must lead somewhere.
    const failed = question.querySelector(".nhsuk-error-message, .app-field__warning") !== null;
    question.hidden = !failed && (!met || (parent !== null && parent.hidden));
  }
}

// -- why there is no value -------------------------------------------------------------------------

const laidAside = new WeakMap();

function valueControls(field) {
  return [...field.querySelectorAll("input, select, textarea")].filter(
    (control) => control.closest(".app-absent") === null && control.type !== "hidden",
  );
}

function isAnswered(control) {
  return control.type === "radio" || control.type === "checkbox"
    ? control.checked
    : control.value.trim() !== "";
}

/** A reason takes the place of a value; taking the reason back brings the value back. */
function layAside(field, why) {
  const controls = valueControls(field);
  if (why.value !== "") {
    const kept = laidAside.get(field) ?? new Map();
    for (const control of controls.filter(isAnswered)) {
      kept.set(control, control.type === "radio" || control.type === "checkbox" ? true : control.value);
      if (control.type === "radio" || control.type === "checkbox") control.checked = false;
      else control.value = "";
    }
    laidAside.set(field, kept);
  } else {
    for (const [control, value] of laidAside.get(field) ?? []) {
      if (value === true) control.checked = true;
      else control.value = value;
    }
    laidAside.delete(field);
  }
  for (const control of controls) control.dispatchEvent(new Event("netreg:set"));
}

function showBecause(field) {
  const why = field.querySelector(".app-absent__why");
  if (!why) return;
  const because = field.querySelector("[data-because]");
  if (because) because.hidden = why.value !== "not_available";
  field.classList.toggle("is-absent", why.value !== "");
}

function absenceChanged(event) {
  const field = event.target.closest(".app-field");
  if (!field) return;
  const why = field.querySelector(".app-absent__why");
  if (!why) return;
  if (event.target === why) {
    layAside(field, why);
    if (why.value === "not_available") {
      showBecause(field);
      field.querySelector("[data-because] input")?.focus();
    }
  } else if (!event.target.closest(".app-absent") && isAnswered(event.target)) {
    why.value = "";
    laidAside.delete(field);
  }
  showBecause(field);
}

// -- taking back a choice --------------------------------------------------------------------------

/** Radios cannot be un-chosen by hand; blank must stay a possible answer. */
function addClear(group) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "app-clear";
  button.textContent = words.clear;
  button.setAttribute("aria-label", words.clearWhat.replace("{question}", group.dataset.clearable));
  const radios = [...group.querySelectorAll("input[type=radio]")];
  const update = () => button.classList.toggle("is-idle", !radios.some((radio) => radio.checked));
  button.addEventListener("click", () => {
    const chosen = radios.find((radio) => radio.checked);
    if (!chosen) return;
    chosen.checked = false;
    chosen.focus();
    chosen.dispatchEvent(new Event("input", { bubbles: true }));
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
  });
  (group.querySelector(".app-absent") ?? group).append(button);
  group.addEventListener("change", update);
  for (const radio of radios) radio.addEventListener("netreg:set", update);
  update();
}

// -- sending ---------------------------------------------------------------------------------------

/** How long a button that fetches a file is not pressed again: its page stays. */
const FILE_MS = 2000;
const fetchesFile = (event) => event.submitter?.matches("[data-file]") ?? false;

/** The pressed button is disabled after its value has been taken into the request. */
function guardAgainstTwice(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent === "true") {
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented || form.method === "get") return;
    form.dataset.sent = "true";
    const buttons = [...form.querySelectorAll("button[type=submit], button:not([type])")];
    setTimeout(() => buttons.forEach((button) => (button.disabled = true)), 0);
    if (fetchesFile(event)) setTimeout(() => mayBeSentAgain(form), FILE_MS);
  });
}

function mayBeSentAgain(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[disabled]")) button.disabled = false;
}

window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(mayBeSentAgain));

function sendByKeyboard(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("form");
  if (!form || form.method !== "post") return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-main-button]") ?? undefined);
}

/** In a long form Enter in a box must not send: only the button and Ctrl+Enter do. */
function noAccidentalSending(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches("input")) {
      event.preventDefault();
    }
  });
}

// -- unsaved text ----------------------------------------------------------------------------------

/** Only where nothing saves by itself; the browser asks in its own words. */
function warnBeforeLeaving(form) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", (event) => {
    if (changed && fetchesFile(event)) setTimeout(() => (changed = true), FILE_MS);
    changed = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}

for (const form of document.querySelectorAll("form")) {
  guardAgainstTwice(form);
  if (form.method !== "post") continue;
  for (const field of form.querySelectorAll(".app-field")) showBecause(field);
  for (const group of form.querySelectorAll("[data-clearable]")) addClear(group);
  showConditional(form);
  form.addEventListener("change", absenceChanged);
  form.addEventListener("input", absenceChanged);
  form.addEventListener("change", () => showConditional(form));
  // As it is typed: what appears on leaving a box is passed over by the Tab that left it.
  form.addEventListener("input", () => showConditional(form));
  if (form.dataset.autosave) noAccidentalSending(form);
  if (form.querySelector(".app-field") && !form.dataset.autosave && !("leaveFreely" in form.dataset)) {
    warnBeforeLeaving(form);
  }
}
document.addEventListener("keydown", sendByKeyboard);

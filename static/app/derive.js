// What follows from the values typed so far: a form with data-derive="address" is sent there after
// a change, and the answered HTML is shown in [data-derive-target] (inside the form, or anywhere on
// the page with data-derive-target="id of the form").

const PAUSE = 400; // ms after the last change

function targetOf(form) {
  return (
    form.querySelector("[data-derive-target]") ??
    (form.id ? document.querySelector(`[data-derive-target="${CSS.escape(form.id)}"]`) : null)
  );
}

// -- what the answer says to the form itself ---------------------------------------------------------

/** Warnings stand at their fields; so they are seen, and saving does not ask about them again. */
function showWarnings(form, told) {
  for (const old of form.querySelectorAll("[data-live-warning]")) old.remove();
  for (const one of told.querySelectorAll("[data-warning-for]")) {
    const named = document.getElementById(one.dataset.warningFor);
    const field = named?.closest(".app-field");
    if (!field) continue;
    field.querySelector(".app-field__warning")?.remove();
    const shown = document.createElement("p");
    shown.className = "app-field__warning";
    shown.dataset.liveWarning = "true";
    shown.setAttribute("role", "status");
    shown.textContent = one.textContent;
    field.append(shown);
  }
  const seen = form.elements.namedItem("seen");
  if (seen) seen.value = told.dataset.mark;
  const accept = form.querySelector("[data-accept]");
  if (accept) accept.hidden = told.dataset.mark === "";
}

/** Only the options there are: the grades of a side effect, the scale of a camera. */
function limitOptions(form, told) {
  const limited = new Set();
  for (const one of told.querySelectorAll("[data-offers]")) {
    limited.add(one.dataset.offers);
    const offered = JSON.parse(one.textContent);
    for (const radio of form.querySelectorAll(`input[type=radio][name="${one.dataset.offers}"]`)) {
      const item = radio.closest(".nhsuk-radios__item");
      if (item) item.hidden = !offered.includes(radio.value) && !radio.checked;
    }
  }
  for (const item of form.querySelectorAll(".nhsuk-radios__item[hidden]")) {
    if (!limited.has(item.querySelector("input")?.name)) item.hidden = false;
  }
}

/** Suggestions for a box whose answers depend on another one, such as the units of a test. */
function suggest(form, told) {
  for (const one of told.querySelectorAll("[data-suggests]")) {
    const box = form.elements.namedItem(one.dataset.suggests);
    if (!box || box.tagName !== "INPUT") continue;
    const id = `${box.id}-suggested`;
    let list = document.getElementById(id);
    if (!list) {
      list = document.createElement("datalist");
      list.id = id;
      box.after(list);
      box.setAttribute("list", id);
    }
    list.replaceChildren(
      ...JSON.parse(one.textContent).map((text) => {
        const option = document.createElement("option");
        option.value = text;
        return option;
      }),
    );
  }
}

/** What goes without saying is chosen where nobody chose, such as the unit of an agent's dose. */
function fill(form, told) {
  for (const one of told.querySelectorAll("[data-fills]")) {
    const list = form.elements.namedItem(one.dataset.fills);
    if (list?.tagName !== "SELECT" || list.value || list === document.activeElement) continue;
    list.value = one.textContent;
    list.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** What stands beside each row of a table. */
function besideRows(form, told) {
  for (const one of told.querySelectorAll("[data-for-row]")) {
    const place = form.querySelector(`[data-beside="${CSS.escape(one.dataset.forRow)}"]`);
    if (place && place.textContent !== one.textContent) place.replaceChildren(...one.childNodes);
  }
}

function forForm(form, told) {
  if (!told) return;
  besideRows(form, told);
  showWarnings(form, told);
  limitOptions(form, told);
  suggest(form, told);
  fill(form, told);
}

function watch(form, target) {
  let timer = 0;
  let latest = 0;
  let shown = "";
  target.setAttribute("aria-live", "polite");

  async function ask() {
    const mine = ++latest;
    target.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.derive, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Requested-With": "fetch", Accept: "text/html" },
      });
      // An older answer must not replace a newer one; a refused one leaves the last good one.
      if (mine !== latest || !answer.ok) return;
      const html = await answer.text();
      if (html === shown) return;
      shown = html;
      const open = [...target.querySelectorAll("details")].map((details) => details.open);
      const page = new DOMParser().parseFromString(html, "text/html");
      target.replaceChildren(...page.body.childNodes);
      target.querySelectorAll("details").forEach((details, i) => (details.open = open[i] ?? false));
      forForm(form, target.querySelector("[data-derived-for-form]"));
    } catch {
      // Without a connection the last answer stays; saving reports the connection.
    } finally {
      if (mine === latest) target.removeAttribute("aria-busy");
    }
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
}

for (const form of document.querySelectorAll("form[data-derive]")) {
  const target = targetOf(form);
  if (target) watch(form, target);
}

// A board with a script: the agenda is ordered by dragging, what is written in a case saves itself, and everybody who
// looks on sees it a second later. Without a script the same forms are sent and the page is loaded anew.

const POLL = 600; // ms between two questions whether something changed, while the meeting is under way
const SELDOM = 5000; // the same before and after it
const PAUSE = 350; // ms after the last key until what was typed is saved

const token = () => document.querySelector("input[name=csrf_token]")?.value ?? "";
const asked = { "X-Requested-With": "fetch" };

// -- looking on --------------------------------------------------------------------------------

function lookOn(place) {
  let mark = "";
  const pause = place.dataset.inSession === "yes" ? POLL : SELDOM;
  async function look() {
    if (!document.hidden) {
      try {
        const headers = mark ? { ...asked, "If-None-Match": mark } : asked;
        const answer = await fetch(place.dataset.live, { headers, cache: "no-store" });
        if (answer.status === 200) {
          mark = answer.headers.get("ETag") ?? "";
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          place.replaceChildren(...page.body.childNodes);
        } else if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
          return; // signed out, or the meeting is over for this guest
        }
      } catch {
        // away for a moment: asked again
      }
    }
    setTimeout(look, pause);
  }
  setTimeout(look, pause);
}

// -- writing -----------------------------------------------------------------------------------

function texts(form, name) {
  return new FormData(form).getAll(name).map(String).filter((text) => text.trim() !== "");
}

/** What somebody else wrote meanwhile in another place comes into the form, unless one is there. */
function take(form, taken, sent) {
  for (const [name, values] of Object.entries(taken)) {
    if (JSON.stringify(texts(form, name)) !== JSON.stringify(sent.get(name) ?? [])) continue;
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field === document.activeElement) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else field.value = values[0] ?? "";
    }
  }
}

function saveWhileTyping(form) {
  const said = form.querySelector("[data-write-status]");
  const seen = form.elements.seen;
  let timer = 0;
  let busy = false;
  let again = false;
  let stopped = false;

  async function save() {
    if (stopped) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    said.textContent = said.dataset.saving;
    const body = new FormData(form);
    const sent = new Map([...new Set(body.keys())].map((name) => [name, texts(form, name)]));
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: asked });
      if (answer.status === 200) {
        const told = await answer.json();
        seen.value = told.seen;
        take(form, told.taken, sent);
        said.textContent = said.dataset.saved;
      } else if (answer.status === 409) {
        const told = await answer.json();
        said.textContent = told.clashes ? said.dataset.clash : told.error;
        stopped = true; // the button saves it and shows both
      } else {
        throw new Error(String(answer.status));
      }
    } catch {
      said.textContent = said.dataset.failed;
      timer = setTimeout(save, 4000);
    }
    busy = false;
    if (again) {
      again = false;
      await save();
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    stopped = true;
  });
}

// -- the agenda --------------------------------------------------------------------------------

function order(list) {
  let dragged = null;
  const cases = () => [...list.children];
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-place]");
    dragged?.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    for (const one of cases()) one.classList.toggle("is-target", one === event.target.closest(".brd-case") && one !== dragged);
  });
  list.addEventListener("drop", async (event) => {
    event.preventDefault();
    const target = event.target.closest(".brd-case");
    if (!dragged || !target || target === dragged) return;
    const to = cases().indexOf(target) + 1;
    const body = new FormData();
    body.set("csrf_token", token());
    body.set("to", String(to));
    const answer = await fetch(dragged.dataset.place, { method: "POST", body, headers: asked });
    if (!answer.ok) return;
    const { order: ids } = await answer.json();
    for (const id of ids) list.append(document.getElementById(`case-${id}`));
  });
  list.addEventListener("dragend", () => {
    for (const one of cases()) one.classList.remove("is-dragged", "is-target");
    dragged = null;
  });
  list.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const button = event.target.closest(".brd-case")?.querySelector(`[value=${event.key === "ArrowUp" ? "up" : "down"}]`);
    if (button && !button.disabled) {
      event.preventDefault();
      button.click();
    }
  });
}

// -- from case to case -------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey) return;
  const rel = { PageUp: "prev", PageDown: "next" }[event.key];
  const link = event.shiftKey && rel && document.querySelector(`.brd-steps a[rel=${rel}]`);
  if (link) link.click();
});

const live = document.querySelector("[data-live]");
if (live) lookOn(live);
const written = document.querySelector("form[data-write]");
if (written) saveWhileTyping(written);
const agenda = document.querySelector("[data-agenda]");
if (agenda) order(agenda);

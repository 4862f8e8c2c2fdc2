// Long lists found by typing (ARIA combobox). Without scripts the plain list or the browser's own
// suggestions do the same. A box with data-suggest takes its options from its datalist and accepts
// other text; a select with data-suggest accepts its own options only.

const words = document.getElementById("script-words").dataset;
const MOST = 50; // options shown at once

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** One spelling for both: diarrhoea is found as diarrhea, oedema as edema, tumour as tumor. */
function oneSpelling(text) {
  return text.replace(/ae/g, "e").replace(/oe/g, "e").replace(/our/g, "or");
}

/** How well an option that was found fits what was typed. Options of a code list are "NL
 * Netherlands": what comes after the code counts as its beginning, too, so that Netherlands comes
 * before Caribbean Netherlands. */
function rank(option, start) {
  const label = option.plain.slice(option.plain.indexOf(" ") + 1);
  if (option.plain === start || label === start) return 0;
  if (option.plain.startsWith(start)) return 1;
  return label.startsWith(start) ? 2 : 3;
}

/** Options whose text contains every typed word; those that begin with the text come first. */
function matching(options, typed) {
  const wanted = oneSpelling(plain(typed)).split(/\s+/).filter(Boolean);
  const found = options.filter((option) => wanted.every((word) => option.folded.includes(word)));
  const start = plain(typed).trim();
  return found.sort((one, other) => rank(one, start) - rank(other, start));
}

class Combobox {
  constructor(box, options, { closed = false, onChoose = () => {}, allowed = () => true } = {}) {
    this.box = box;
    this.allowed = allowed;
    this.closed = closed;
    this.onChoose = onChoose;
    this.options = options.map((option) => {
      const folded = plain(option.text);
      // What people call it otherwise is searched, too, and not shown.
      const other = option.other ? ` ${plain(option.other)}` : "";
      return { ...option, plain: folded, folded: oneSpelling(folded + other) };
    });
    this.shown = [];
    this.at = -1;
    this.wrap();
    box.addEventListener("input", () => this.open(box.value));
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("click", () => (this.list.hidden ? this.open("") : undefined));
    box.addEventListener("blur", () => this.leave());
    // Pressing the mouse would take the focus from the box before the click arrives.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) this.choose(this.shown[Number(item.dataset.at)]);
    });
  }

  wrap() {
    const frame = document.createElement("span");
    frame.className = "app-combobox";
    this.box.replaceWith(frame);
    this.list = document.createElement("ul");
    this.list.className = "app-combobox__list";
    this.list.id = `${this.box.id}-options`;
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    const label = document.querySelector(`label[for="${CSS.escape(this.box.id)}"]`);
    if (label) this.list.setAttribute("aria-label", label.textContent.trim());
    this.told = document.createElement("span");
    this.told.className = "nhsuk-u-visually-hidden";
    this.told.setAttribute("role", "status");
    frame.append(this.box, this.list, this.told);
    this.box.removeAttribute("list");
    this.box.setAttribute("role", "combobox");
    this.box.setAttribute("aria-autocomplete", "list");
    this.box.setAttribute("aria-expanded", "false");
    this.box.setAttribute("aria-controls", this.list.id);
    this.box.autocomplete = "off";
  }

  open(typed) {
    const found = matching(this.options.filter(this.allowed), typed);
    this.shown = found.slice(0, MOST);
    this.at = -1;
    this.list.replaceChildren(...this.shown.map((option, at) => this.item(option, at)));
    if (found.length > MOST) {
      const more = document.createElement("li");
      more.className = "app-combobox__more";
      more.setAttribute("role", "presentation");
      more.textContent = words.more.replace("{count}", found.length - MOST);
      this.list.append(more);
    }
    this.told.textContent = found.length
      ? words.found.replace("{count}", found.length)
      : words.foundNone;
    this.show(this.shown.length > 0);
    this.box.removeAttribute("aria-activedescendant");
  }

  item(option, at) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${at}`;
    item.dataset.at = at;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.textContent = option.text;
    return item;
  }

  show(visible) {
    this.list.hidden = !visible;
    this.box.setAttribute("aria-expanded", String(visible));
    if (!visible) this.box.removeAttribute("aria-activedescendant");
  }

  move(to) {
    const items = [...this.list.querySelectorAll("[role=option]")];
    if (!items.length) return;
    items[this.at]?.setAttribute("aria-selected", "false");
    this.at = (to + items.length) % items.length;
    items[this.at].setAttribute("aria-selected", "true");
    items[this.at].scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", items[this.at].id);
  }

  key(event) {
    const closed = this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (closed) this.open(this.closed ? "" : this.box.value);
      this.move(event.key === "ArrowDown" ? this.at + 1 : this.at < 0 ? -1 : this.at - 1);
    } else if (event.key === "Enter" && !closed && !event.ctrlKey && !event.metaKey) {
      // Enter in an open list chooses; it must not send the form.
      event.preventDefault();
      if (this.at >= 0) this.choose(this.shown[this.at]);
      else if (this.shown.length === 1) this.choose(this.shown[0]);
      else this.show(false);
    } else if (event.key === "Tab" && !closed && this.at >= 0) {
      this.choose(this.shown[this.at]);
    } else if (event.key === "Escape" && !closed) {
      event.preventDefault();
      this.show(false);
    }
  }

  choose(option) {
    this.show(false);
    this.box.value = option.text;
    this.onChoose(option.value);
    this.box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  leave() {
    this.show(false);
    if (!this.closed) return;
    const typed = plain(this.box.value).trim();
    const exact = this.options.find((option) => option.plain === typed);
    const found = matching(this.options, this.box.value);
    if (typed === "") this.onChoose("");
    else if (exact) this.onChoose(exact.value);
    else if (found.length === 1) this.choose(found[0]);
    else {
      this.box.value = "";
      this.onChoose("");
    }
  }
}

/** Answer a question of the form with a code, as a hand would. */
function choose(form, name, code) {
  const control = form.elements.namedItem(name);
  if (!control) return;
  const one = control instanceof RadioNodeList ? form.querySelector(
    `input[name="${CSS.escape(name)}"][value="${CSS.escape(code)}"]`) : control;
  if (!one) return;
  if (one.type === "radio") one.checked = true;
  else one.value = code;
  one.dispatchEvent(new Event("netreg:set"));
  one.dispatchEvent(new Event("change", { bubbles: true }));
}

function fromDatalist(box) {
  const list = document.getElementById(box.getAttribute("list"));
  if (!list) return;
  const options = [...list.options].map((o) => ({
    text: o.value,
    value: o.value,
    group: o.dataset.group ?? "",
    other: o.dataset.other ?? "",
  }));
  // Options in groups are narrowed by the answer that names a group, as agents by their class.
  const by = box.dataset.suggestBy;
  const chosen = () => (by && box.form ? (new FormData(box.form).get(by) ?? "") : "");
  const groups = new Set(options.map((option) => option.group));
  const allowed = (option) => chosen() === "" || !groups.has(chosen()) || option.group === chosen();
  const onChoose = (text) => {
    const group = options.find((option) => option.text === text)?.group;
    if (by && group && chosen() === "") choose(box.form, by, group);
  };
  new Combobox(box, options, { allowed, onChoose });
}

function fromSelect(select) {
  const box = document.createElement("input");
  box.className = "nhsuk-input app-input--fluid";
  box.id = select.id;
  if (select.hasAttribute("aria-describedby")) {
    box.setAttribute("aria-describedby", select.getAttribute("aria-describedby"));
  }
  select.id = `${box.id}-select`;
  select.hidden = true;
  select.before(box);
  const options = [...select.options].filter((option) => option.value !== "");
  // Two options in different groups may be called the same.
  const textOf = (option) => [option.closest("optgroup")?.label, option.text].filter(Boolean).join(": ");
  const shownText = () => (select.value === "" ? "" : textOf(select.selectedOptions[0]));
  box.value = shownText();
  const combobox = new Combobox(
    box,
    options.map((option) => ({ text: textOf(option), value: option.value })),
    {
      closed: true,
      onChoose: (value) => {
        if (select.value === value) return;
        select.value = value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
      },
    },
  );
  select.addEventListener("netreg:set", () => (combobox.box.value = shownText()));
}

for (const box of document.querySelectorAll("input[data-suggest][list]")) fromDatalist(box);
for (const select of document.querySelectorAll("select[data-suggest]")) fromSelect(select);

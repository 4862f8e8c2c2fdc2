// Drafts save themselves: a form with data-autosave="address" is sent there after a pause and when
// the page is left. The answer is JSON {version, saved_at}; 409 {saved_by, saved_at, link}; 401
// {sign_in}. The box with the draft's version is `version`, or data-autosave-version="its name". Whatever the answer, what was typed stays in the form and is tried again.

const words = document.getElementById("script-words").dataset;
const PAUSE = 1200; // ms after the last change
const RETRY = [3000, 6000, 15000, 30000]; // ms after the 1st, 2nd, … failure
const KEEPALIVE_LIMIT = 60000; // bytes a browser sends after the page is gone

const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function timeOf(text) {
  const moment = text ? new Date(text) : new Date();
  return clock.format(Number.isNaN(moment.getTime()) ? new Date() : moment);
}

/** Put a renewed token into every form and into the header of partial requests. */
function renewToken(token) {
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  const body = document.body;
  if (body.hasAttribute("hx-headers:inherited")) {
    body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
  }
}

/** Sign in again without leaving the page. Resolves to true once signed in, false when closed. */
let asking = null;

function signInAgain(address) {
  asking ??= ask(address).finally(() => (asking = null));
  return asking;
}

async function ask(address) {
  const dialog = document.createElement("dialog");
  dialog.className = "app-dialog";
  dialog.setAttribute("aria-label", words.signInTitle);
  document.body.append(dialog);
  await load(dialog, await fetch(address, { headers: { "X-Requested-With": "fetch" } }));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      const form = event.target;
      const answer = await fetch(form.getAttribute("action") || address, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Requested-With": "fetch" },
      }).catch(() => null);
      if (answer?.ok && isJson(answer)) {
        renewToken((await answer.json()).csrf_token);
        dialog.close("signed-in");
      } else {
        await refuse(dialog, answer);
      }
    });
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "signed-in");
      dialog.remove();
    });
  });
}

function isJson(answer) {
  return (answer.headers.get("Content-Type") ?? "").includes("json");
}

/** Show the sign-in form of an answer: its own form, whether it came alone or within a page. */
async function load(dialog, answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = page.querySelector("[data-sign-in]") ?? page.querySelector("main") ?? page.body;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "app-dialog__close";
  close.textContent = words.close;
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(close, ...content.childNodes);
  const first = dialog.querySelector("input:not([type=hidden])");
  first?.setAttribute("autofocus", "");
  if (dialog.open) first?.focus();
}

async function refuse(dialog, answer) {
  if (answer && !isJson(answer)) {
    await load(dialog, answer);
    return;
  }
  const told = answer ? await answer.json().catch(() => ({})) : {};
  if (told.csrf_token) renewToken(told.csrf_token);
  let message = dialog.querySelector(".app-dialog__message");
  if (!message) {
    message = document.createElement("p");
    message.className = "nhsuk-error-message app-dialog__message";
    message.setAttribute("role", "alert");
    dialog.querySelector("form").prepend(message);
  }
  message.textContent = told.error ?? words.signInFailed;
}

class Draft {
  constructor(form) {
    this.form = form;
    this.status = form.querySelector("[data-autosave-status]") ?? this.makeStatus();
    this.timer = 0;
    this.failures = 0;
    this.changed = false;
    this.sending = false;
    this.stopped = false; // after a conflict nothing is saved until the page is loaded anew
    this.waiting = undefined; // the button pressed while a save was under way
    this.asked = false; // the sign-in dialog was shown and closed: it does not open by itself again
    form.addEventListener("input", () => this.touch());
    form.addEventListener("change", () => this.touch());
    form.addEventListener("submit", (event) => this.submitted(event), true);
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.stopped = false;
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.save(true);
    });
    window.addEventListener("pagehide", () => this.save(true));
    window.addEventListener("online", () => this.save());
    window.addEventListener("beforeunload", (event) => {
      if (this.changed && this.status.dataset.state === "failed") event.preventDefault();
    });
  }

  /** Sending waits for a save under way: that one is about to raise the version. */
  submitted(event) {
    if (this.sending) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.waiting = event.submitter;
      return;
    }
    clearTimeout(this.timer);
    this.stopped = true;
  }

  makeStatus() {
    const status = document.createElement("p");
    status.className = "app-saved";
    status.setAttribute("role", "status");
    this.form.append(status);
    return status;
  }

  touch() {
    this.changed = true;
    if (!this.stopped) this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  say(text, state = "") {
    this.status.dataset.state = state;
    this.status.textContent = text;
  }

  async save(leaving = false) {
    if (!this.changed || this.stopped || this.sending) return;
    clearTimeout(this.timer);
    this.sending = true;
    this.changed = false;
    let pause = PAUSE; // until the next save, when something is left to save; null: not by itself
    const body = new URLSearchParams(new FormData(this.form));
    try {
      const answer = await fetch(this.form.dataset.autosave, {
        method: "POST",
        body,
        headers: { "X-Requested-With": "fetch", Accept: "application/json" },
        keepalive: leaving && body.toString().length < KEEPALIVE_LIMIT,
      });
      pause = await this.heard(answer);
    } catch {
      this.failed();
    } finally {
      this.sending = false;
      if (this.waiting !== undefined) {
        const button = this.waiting;
        this.waiting = undefined;
        this.form.requestSubmit(button);
      } else if (this.changed && !this.stopped && this.failures === 0 && pause !== null) {
        this.later(pause);
      }
    }
  }

  /** Act on the answer. Gives the pause until what is left is saved, or null. */
  async heard(answer) {
    const told = isJson(answer) ? await answer.json() : {};
    if (answer.ok) {
      const version = this.form.elements.namedItem(this.form.dataset.autosaveVersion ?? "version");
      if (version && told.version !== undefined) version.value = told.version;
      this.failures = 0;
      this.asked = false;
      this.say(fill(words.saved, { time: timeOf(told.saved_at) }), "saved");
    } else if (answer.status === 401) {
      this.changed = true;
      return (await this.signIn(told.sign_in)) ? 0 : null;
    } else if (answer.status === 409) {
      this.changed = true;
      this.stopped = true;
      this.conflict(told);
    } else if (answer.status >= 400 && answer.status < 500) {
      // The same request would be refused again: wait for the next change.
      this.say(fill(words.refused, { reason: told.error ?? answer.status }), "failed");
    } else {
      this.failed();
    }
    return PAUSE;
  }

  /** Ask for a new sign-in, once; after that a button offers it. */
  async signIn(address) {
    this.say(words.signedOut, "failed");
    if (!address) return false;
    if (!this.asked) {
      this.asked = true;
      if (await signInAgain(address)) return true;
    }
    this.say(words.signedOut, "failed");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "app-clear";
    button.textContent = words.signInTitle;
    button.addEventListener("click", async () => {
      if (await signInAgain(address)) this.later(0);
    });
    this.status.append(" ", button);
    return false;
  }

  failed() {
    this.changed = true;
    this.say(words.notSaved, "failed");
    this.later(RETRY[Math.min(this.failures, RETRY.length - 1)]);
    this.failures += 1;
  }

  conflict(told) {
    const text = told.saved_by
      ? fill(words.conflict, { who: told.saved_by, when: timeOf(told.saved_at) })
      : words.conflictPlain;
    this.say(text, "failed");
    const link = document.createElement("a");
    link.href = told.link ?? window.location.href;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = words.conflictLink;
    this.status.append(" ", link);
  }
}

for (const form of document.querySelectorAll("form[data-autosave]")) new Draft(form);

// Files are sent piece by piece, so that a broken line costs a piece and not the file. The box is
// [data-upload] (address that takes the name); [data-files] shows the list. Without this script the
// form around the box sends the files itself.

const SMALLEST = 64 * 1024;
const LARGEST_PIECE = 1024 * 1024;
const WISHED_MS = 2000; // a piece should be there in about this time
const PAUSES = [1000, 2000, 5000, 10000, 20000, 30000];
const LOOKING_MS = [300, 500, 800, 1200, 2000];
const AT_ONCE = 2;

const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const token = () => document.querySelector("input[name=csrf_token]")?.value ?? "";
const megabytes = (bytes) => (bytes / 1048576).toFixed(bytes < 1048576 ? 1 : 0);

async function ask(url, options = {}) {
  return fetch(url, {
    ...options,
    headers: { "X-Requested-With": "fetch", "X-CSRFToken": token(), ...options.headers },
  });
}

class Upload {
  constructor(box) {
    this.box = box;
    this.words = box.dataset;
    this.input = box.querySelector("input[type=file]");
    this.progress = box.querySelector("[data-progress]");
    this.waiting = [];
    this.busy = 0;
    box.querySelector("[data-drop-words]").hidden = false;
    const form = this.input.form;
    if (form?.enctype === "multipart/form-data" && form.querySelector("[data-without-script]")) {
      form.querySelector("[data-without-script]").hidden = true;
    }
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = ""; // the form itself sends no file any more
    });
    for (const kind of ["dragover", "dragenter"]) {
      box.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.add("app-upload--over");
      });
    }
    for (const kind of ["dragleave", "drop"]) {
      box.addEventListener(kind, () => box.classList.remove("app-upload--over"));
    }
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  add(files) {
    for (const file of files) {
      const line = document.createElement("li");
      const name = document.createElement("bdi");
      const bar = document.createElement("progress");
      const said = document.createElement("span");
      name.textContent = file.name;
      bar.max = Math.max(1, file.size);
      bar.value = 0;
      bar.setAttribute("aria-label", file.name);
      line.append(name, " ", bar, " ", said);
      this.progress.append(line);
      if (file.size > Number(this.words.largest)) this.end({ line, bar, said }, this.words.wordsLarge, true);
      else this.waiting.push({ file, line, bar, said });
    }
    this.next();
  }

  next() {
    while (this.busy < AT_ONCE && this.waiting.length) {
      const one = this.waiting.shift();
      this.busy += 1;
      this.send(one)
        .catch((problem) => this.end(one, problem?.told || this.words.wordsFailed, true))
        .finally(() => {
          this.busy -= 1;
          this.next();
        });
    }
  }

  end(one, text, isProblem = false) {
    one.bar.remove();
    one.said.textContent = text;
    one.line.classList.toggle("app-upload__failed", isProblem);
  }

  show(one, at) {
    one.bar.value = at;
    one.said.textContent = this.words.wordsSending
      .replace("{done}", megabytes(at))
      .replace("{all}", megabytes(one.file.size));
  }

  /** A file of this name and size that was broken off goes on where it was. */
  unfinished(file) {
    const left = [...document.querySelectorAll("[data-unfinished]")].find(
      (each) => each.dataset.name === file.name && Number(each.dataset.size) === file.size,
    );
    return left?.dataset.unfinished;
  }

  async begin(one) {
    const before = this.unfinished(one.file);
    if (before) {
      const answer = await ask(before);
      if (answer.ok) return { url: before, at: (await answer.json()).at ?? 0 };
    }
    const body = new URLSearchParams({
      name: one.file.name,
      size: one.file.size,
      kind: this.input.form?.elements.namedItem("kind")?.value ?? "",
    });
    return this.patiently(one, () => ask(this.words.upload, { method: "POST", body }));
  }

  /** Ask until there is an answer: a broken line or a busy server is waited for. */
  async patiently(one, question) {
    for (let failures = 0; ; failures += 1) {
      const answer = await question().catch(() => null);
      if (answer?.ok || answer?.status === 409) return answer.json();
      if (answer?.status === 401) throw { told: this.words.wordsSignedOut };
      if (answer && answer.status < 500) throw { told: (await answer.json().catch(() => ({}))).error };
      one.said.textContent = this.words.wordsAgain;
      await rest(PAUSES[Math.min(failures, PAUSES.length - 1)]);
    }
  }

  async send(one) {
    const begun = await this.begin(one);
    let { at } = begun;
    let length = 4 * SMALLEST;
    this.show(one, at);
    while (at < one.file.size) {
      const piece = one.file.slice(at, at + length);
      const started = performance.now();
      const told = await this.patiently(one, () =>
        ask(`${begun.url}?at=${at}`, {
          method: "POST",
          body: piece,
          headers: { "Content-Type": "application/octet-stream" },
        }),
      );
      if (told.at === undefined || (told.at === at && told.state !== "arriving")) break;
      const quicker = WISHED_MS / Math.max(1, performance.now() - started);
      length = Math.min(LARGEST_PIECE, Math.max(SMALLEST, Math.round(length * Math.min(2, quicker))));
      at = told.at;
      this.show(one, at);
    }
    await this.look(one, begun);
  }

  /** All of it came: wait until it was looked at, then show the list. */
  async look(one, begun) {
    one.said.textContent = this.words.wordsWaiting;
    let told = { state: "waiting" };
    for (let turn = 0; told.state === "waiting" && turn < 60; turn += 1) {
      await rest(LOOKING_MS[Math.min(turn, LOOKING_MS.length - 1)]);
      told = await this.patiently(one, () => ask(begun.url));
    }
    if (told.state === "kept") this.end(one, this.words.wordsKept);
    else if (told.message) this.end(one, told.message, true);
    else one.line.remove();
    if (told.state !== "refused") this.remember(begun.id);
    await refreshLists(this.words.list);
  }

  /** A form around the box says which files belong to what it sends. */
  remember(id) {
    if (!id || !this.input.form) return;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "attached";
    field.value = id;
    this.input.form.append(field);
  }
}

async function refreshLists(url) {
  const list = document.querySelector("[data-files]");
  if (!list) return;
  const answer = await ask(url).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.replaceChildren(...page.body.childNodes);
}

/** What is being looked at when the page is opened is shown when that is over. */
async function followWaiting() {
  for (let turn = 0; turn < 30 && document.querySelector("[data-waiting]"); turn += 1) {
    await rest(LOOKING_MS[Math.min(turn, LOOKING_MS.length - 1)]);
    const still = document.querySelector("[data-waiting]");
    const told = await ask(still.dataset.waiting).then((answer) => answer.json()).catch(() => ({}));
    const url = document.querySelector("[data-upload]")?.dataset.list;
    if (told.state !== "waiting" && url) await refreshLists(url);
  }
}

for (const box of document.querySelectorAll("[data-upload]")) new Upload(box);
followWaiting();

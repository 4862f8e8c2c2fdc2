// The referral form: a further row is added without losing the place, and the small form that
// throws the draft away follows the draft's version. Without scripts both work by sending the form.

/** A step is opened when a link leads to it, and its first question has the focus. */
function openStep() {
  const folded = document.querySelector(`[data-open-for="${CSS.escape(location.hash.slice(1))}"]`);
  if (!folded) return;
  folded.open = true;
  folded.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
openStep();
window.addEventListener("hashchange", openStep);

const version = document.querySelector("form[data-autosave] input[name=version]");
for (const follower of document.querySelectorAll("input[data-follows-version]")) {
  follower.form.addEventListener("submit", () => (follower.value = version?.value ?? follower.value));
}

// Saved texts: one is put where the cursor was; what was typed can be kept as a further one.
for (const box of document.querySelectorAll("[data-texts]")) {
  const target = document.getElementById(box.dataset.texts);
  const status = box.querySelector("[data-kept-status]");
  box.addEventListener("click", async (event) => {
    const chosen = event.target.closest("[data-text]");
    const keep = event.target.closest("[data-keep]");
    if (chosen) {
      const at = target.selectionStart ?? target.value.length;
      const before = target.value && at && !/\s$/.test(target.value.slice(0, at)) ? " " : "";
      target.setRangeText(before + chosen.dataset.text, at, target.selectionEnd ?? at, "end");
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.focus();
    } else if (keep && target.value.trim()) {
      const answer = await fetch(keep.dataset.keep, {
        method: "POST",
        headers: { "X-Requested-With": "fetch" },
        body: new URLSearchParams({
          csrf_token: target.form.elements.namedItem("csrf_token").value,
          label: target.value.trim().split(/\s+/).slice(0, 6).join(" ").slice(0, 60),
          text: target.value,
        }),
      }).catch(() => null);
      status.textContent = answer?.ok ? keep.dataset.kept : keep.dataset.notKept;
    }
  });
}
/** What stood before the reader for a moment has been read; the server is told once. */
const readable = document.querySelector("[data-read]");
let telling = null;
function tellRead() {
  clearTimeout(telling);
  if (!readable || document.visibilityState !== "visible") return;
  telling = setTimeout(() => {
    document.removeEventListener("visibilitychange", tellRead);
    fetch(readable.dataset.read, {
      method: "POST",
      headers: {
        "X-Requested-With": "fetch",
        "X-CSRFToken": document.querySelector("input[name=csrf_token]")?.value ?? "",
      },
    }).catch(() => {}); // next time it is read it is told again
  }, 1000);
}
document.addEventListener("visibilitychange", tellRead);
tellRead();

// A suggested centre is chosen in the form; the doctor sees it there.
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-choose]");
  const select = chosen && document.getElementById(chosen.dataset.chooseIn);
  if (!select) return;
  select.value = chosen.dataset.choose;
  for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, { bubbles: true }));
  select.focus();
});

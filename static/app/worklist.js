// The worklist: keys for whoever triages all day, how many cases are chosen, and a line that says
// when something is new. Nothing moves by itself; without scripts every step is a form.

const list = document.querySelector("[data-worklist]");
const links = list ? [...list.querySelectorAll("a[data-case]")] : [];
let at = -1;

/** Go to a row: its link has the focus, so that what reads aloud follows. */
function go(to) {
  if (!links.length) return;
  at = Math.max(0, Math.min(links.length - 1, to));
  for (const link of links) link.closest("tr").classList.toggle("ref-here", link === links[at]);
  links[at].focus();
  links[at].closest("tr").scrollIntoView({ block: "nearest" });
}

/** The row that is meant: that of the focus, else the one gone to last. */
function row() {
  const focused = document.activeElement?.closest?.("tr");
  const found = links.findIndex((link) => link.closest("tr") === focused);
  if (found >= 0) at = found;
  return at >= 0 ? links[at].closest("tr") : null;
}

const help = document.getElementById("worklist-keys");
const doing = {
  j: () => (row(), go(at + 1)),
  k: () => (row(), go(at - 1)),
  o: () => row() && links[at].click(),
  a: () => row()?.querySelector('[data-step="accept"]')?.click(),
  r: () => row()?.querySelector('[data-step="request_information"]')?.click(),
  x: () => row()?.querySelector('input[name="case"]')?.click(),
  n: () => !notice?.hidden && notice.querySelector("a").click(),
  "?": () => help?.showModal(),
};

/** Is somebody typing or choosing, so that a letter is a letter? */
function busy(target) {
  return document.querySelector("dialog[open]") || target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

if (help && !list?.hasAttribute("data-keys-off")) {
  document.addEventListener("keydown", (event) => {
    const act = doing[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key) || busy(event.target)) return;
    event.preventDefault();
    act();
  });
}

const count = document.querySelector("[data-chosen]");
document.addEventListener("change", (event) => {
  if (!count || event.target.name !== "case") return;
  const chosen = document.querySelectorAll('input[name="case"]:checked').length;
  count.textContent = chosen ? count.dataset.chosen.replace("{count}", chosen) : "";
});

const notice = document.getElementById("new-cases");
const EVERY = 30_000;
let tag = "";

/** Ask whether something moved. An answer that nothing did costs a few bytes. */
async function look() {
  if (document.hidden) return;
  const headers = { "X-Requested-With": "fetch", ...(tag && { "If-None-Match": tag }) };
  const answer = await fetch(notice.dataset.changes, { headers, cache: "no-store" }).catch(() => null);
  if (!answer || answer.status === 401 || answer.status === 403) return;
  tag = answer.headers.get("ETag") || tag;
  if (answer.status !== 200) return;
  const said = (await answer.json()).new;
  notice.querySelector("[data-said]").textContent = (said === "1" ? notice.dataset.one : notice.dataset.many).replace("{count}", said);
  notice.hidden = said === "0";
}

if (notice?.dataset.changes) {
  setInterval(look, Number(new URLSearchParams(location.hash.slice(1)).get("every")) || EVERY);
  document.addEventListener("visibilitychange", look);
}

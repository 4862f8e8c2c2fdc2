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

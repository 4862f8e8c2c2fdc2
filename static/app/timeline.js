// The timeline with a script: drag to look closer, keys to move, the values under the pointer. Without it the same
// links lead to the same pictures; here only the figure is asked for and put in the place of the old one.

const KEYS = {
  "+": "in", "=": "in", "-": "out", _: "out", ArrowLeft: "earlier", ArrowRight: "later", Home: "whole",
};

// A day by its number as the server counts them: day 1 is 1 January of year 1.
function iso(number) {
  const day = new Date(Date.UTC(2000, 0, 1));
  day.setUTCDate(day.getUTCDate() + number - 730120);
  return day.toISOString().slice(0, 10);
}

function live(figure) {
  const frame = figure.querySelector("[data-frame]");
  const scroll = figure.querySelector(".app-timeline__scroll");
  const help = figure.querySelector("[data-help]");
  const point = figure.querySelector("[data-point]");
  const first = Number(figure.dataset.day);
  const span = Number(figure.dataset.span);
  figure.classList.add("is-live");
  help.hidden = false;
  scroll.setAttribute("aria-describedby", help.id);

  const field = () => frame.querySelector("svg.app-timeline__picture").getBoundingClientRect();
  const dayAt = (x) => {
    const box = field();
    const share = Math.min(Math.max((x - box.left) / box.width, 0), 1);
    return first + Math.round(share * span);
  };
  const xOf = (day) => {
    const box = field();
    return box.left - frame.getBoundingClientRect().left + ((day - first) / span) * box.width;
  };

  async function show(address, { focus = false, push = true } = {}) {
    const query = address.split("#")[0].split("?")[1] || "";
    figure.classList.add("is-waiting");
    let answer;
    try {
      answer = await fetch(`${figure.dataset.part}${query ? `?${query}` : ""}`, { credentials: "same-origin" });
    } catch {
      answer = null;
    }
    if (!answer || !answer.ok || answer.redirected) {
      window.location.assign(address); // signed out or away: the link does what it does without us
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-timeline]");
    const open = [...figure.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    for (const one of fresh.querySelectorAll("details")) {
      if (open.includes(one.querySelector("summary").textContent)) one.open = true;
    }
    const place = scroll.scrollLeft;
    figure.replaceWith(fresh);
    if (push) window.history.replaceState(null, "", `${figure.dataset.page}${query ? `?${query}` : ""}#timeline-panel`);
    live(fresh);
    const again = fresh.querySelector(".app-timeline__scroll");
    again.scrollLeft = place;
    if (focus) again.focus({ preventScroll: true });
  }

  const link = (name) => figure.querySelector(`a[data-period="${name}"]`);

  figure.addEventListener("click", (event) => {
    const chosen = event.target.closest("a[data-period]");
    if (!chosen || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(chosen.href, { focus: true });
  });

  figure.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-choices]");
    if (!form) return;
    event.preventDefault();
    const query = new URLSearchParams(new FormData(form)).toString();
    show(`${figure.dataset.page}?${query}`);
  });

  scroll.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== scroll) return;
    const name = KEYS[event.key];
    const way = name && link(name);
    if (!way) return;
    event.preventDefault();
    show(way.href, { focus: true });
  });

  // dragging: from where the button went down to where it comes up
  let began = null;
  let chosen = null;
  const forget = () => {
    began = null;
    if (chosen) chosen.remove();
    chosen = null;
  };
  frame.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch" || event.clientX < field().left) return;
    began = event.clientX;
  });
  window.addEventListener("keydown", (event) => event.key === "Escape" && forget());
  frame.addEventListener("pointermove", (event) => {
    if (began === null) return;
    if (!chosen) {
      if (Math.abs(event.clientX - began) < 6) return;
      chosen = document.createElement("div");
      chosen.className = "app-timeline__chosen";
      frame.append(chosen);
      frame.setPointerCapture(event.pointerId);
    }
    const [left, right] = [began, event.clientX].sort((a, b) => a - b);
    const edge = frame.getBoundingClientRect().left;
    const box = field();
    const from = Math.max(left, box.left);
    chosen.style.left = `${from - edge}px`;
    chosen.style.width = `${Math.max(Math.min(right, box.right) - from, 0)}px`;
  });
  frame.addEventListener("pointerup", (event) => {
    const start = began;
    const dragged = chosen !== null;
    forget();
    if (!dragged || start === null) return;
    const [from, to] = [dayAt(start), dayAt(event.clientX)].sort((a, b) => a - b);
    if (to - from < 7) return;
    const query = new URLSearchParams(new URL(link("in").href).search);
    query.set("from", iso(from));
    query.set("to", iso(to));
    show(`${figure.dataset.page}?${query}`, { focus: true });
  });
  frame.addEventListener("pointercancel", forget);

  // under the pointer: the nearest day that has values, and what they were
  const rows = [...figure.querySelectorAll("tr[data-day]")].map((row) => ({
    day: Number(row.dataset.day),
    title: row.closest("table").caption.textContent,
    cells: [...row.cells].map((cell) => cell.textContent),
  }));
  const hair = document.createElement("div");
  hair.className = "app-timeline__hair";
  hair.hidden = true;
  frame.append(hair);
  frame.addEventListener("pointermove", (event) => {
    if (began !== null || !rows.length || event.clientX < field().left) return;
    const day = dayAt(event.clientX);
    const reach = Math.max((span / field().width) * 8, 1);
    let nearest = null;
    for (const row of rows) {
      if (nearest === null || Math.abs(row.day - day) < Math.abs(nearest - day)) nearest = row.day;
    }
    if (nearest === null || Math.abs(nearest - day) > reach * 3) {
      hair.hidden = point.hidden = true;
      return;
    }
    hair.hidden = point.hidden = false;
    hair.style.left = `${xOf(nearest)}px`;
    point.textContent = rows
      .filter((row) => Math.abs(row.day - nearest) <= reach)
      .slice(0, 12)
      .map((row) => `${row.cells[0]} · ${row.cells.slice(1).filter(Boolean).join(" · ")}`)
      .join("\n");
  });
  frame.addEventListener("pointerleave", () => {
    hair.hidden = point.hidden = true;
  });
}

for (const figure of document.querySelectorAll("[data-timeline]")) live(figure);

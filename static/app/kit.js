// Starts the kit's components and the small behaviours of the page frame.
import { initAll } from "../vendor/nhsuk-frontend-10.6.1/nhsuk-frontend.min.js";

// The kit hides what a script will reveal only where this mark says that scripts run.
document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();

// One open menu at a time; it closes by Escape (focus returns to its button) or a click elsewhere.
const menus = [...document.querySelectorAll("details.app-menu")];

function closeMenus(except) {
  for (const menu of menus) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("details.app-menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = menus.find((menu) => menu.open);
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// What is wider than its place is scrolled by keyboard too; what fits is no stop of the Tab key.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll("[data-scroll]")) widths.observe(box);

// The section the reader is in is marked in the section navigation.
for (const nav of document.querySelectorAll("[data-section-nav]")) {
  const links = new Map();
  for (const link of nav.querySelectorAll("a[href^='#']")) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) links.set(section, link);
  }
  const seen = new Set();
  [...links.values()][0]?.setAttribute("aria-current", "true");
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) seen.add(entry.target);
        else seen.delete(entry.target);
      }
      const current = [...links.keys()].find((section) => seen.has(section));
      if (!current) return;
      for (const [section, link] of links) {
        if (section === current) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-10% 0px -70% 0px" },
  );
  for (const section of links.keys()) watcher.observe(section);
}

// While the database is away: say when what was typed can be sent again. Nothing is sent by itself.

const PAUSE = 10000; // ms between two looks
const status = document.querySelector("[data-away]");

async function look() {
  const answer = await fetch(status.dataset.away, { cache: "no-store" }).catch(() => null);
  status.textContent = answer?.ok ? status.dataset.back : status.dataset.still;
}

if (status) {
  look();
  setInterval(look, PAUSE);
}

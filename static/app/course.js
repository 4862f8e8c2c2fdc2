// Pages of the course: which instrument's items are shown, and one digit moves on to the next box.

/** Only the items of the chosen instrument; what was typed into others stays and is sent. */
function showInstrument(form) {
  const chosen = new FormData(form).get("instrument");
  for (const group of form.querySelectorAll("[data-items]")) {
    const filled = [...group.querySelectorAll("input")].some((box) => box.value !== "");
    group.hidden = Boolean(chosen) && group.dataset.items !== chosen && !filled;
  }
}

/** One digit is an answer: the next box is next. Backspace in an empty box goes back. */
function moveOn(event) {
  const box = event.target;
  if (!box.matches?.(".app-items__box")) return;
  const boxes = [...box.form.querySelectorAll(".app-items__box")].filter(
    (one) => one.closest("[hidden]") === null,
  );
  const at = boxes.indexOf(box);
  if (event.type === "input" && /^[0-9]$/.test(box.value) && event.inputType === "insertText") {
    boxes[at + 1]?.focus();
    boxes[at + 1]?.select();
  } else if (event.type === "keydown" && event.key === "Backspace" && box.value === "") {
    event.preventDefault();
    boxes[at - 1]?.focus();
  }
}

for (const form of document.querySelectorAll("form")) {
  if (!form.querySelector("[data-items]")) continue;
  showInstrument(form);
  form.addEventListener("change", () => showInstrument(form));
  form.addEventListener("input", moveOn);
  form.addEventListener("keydown", moveOn);
}

// After more rows were asked for, one goes on in the first of them.
const asked = document.getElementById(document.querySelector("form[data-focus]")?.dataset.focus ?? "");
if (asked) {
  const box = asked.matches("input, select") ? asked : asked.querySelector("input:not([type=hidden]), select");
  box?.focus();
}

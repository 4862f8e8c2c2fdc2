// Tells at once that a chosen file is too large, before it is sent.
for (const box of document.querySelectorAll("input[type=file][data-largest]")) {
  const message = document.getElementById(`${box.id}-error`);
  const check = () => {
    const file = box.files[0];
    const isTooLarge = Boolean(file) && file.size > Number(box.dataset.largest);
    const text = isTooLarge ? box.dataset.tooLarge : "";
    message.querySelector("[data-error-text]").textContent = text;
    message.hidden = !isTooLarge;
    box.closest(".nhsuk-form-group").classList.toggle("nhsuk-form-group--error", isTooLarge);
    return !isTooLarge;
  };
  box.addEventListener("change", check);
  box.form.addEventListener("submit", (event) => {
    if (!check()) {
      event.preventDefault();
      box.focus();
    }
  });
}

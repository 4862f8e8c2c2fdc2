// The referral form: a further row is added without losing the place, and the small form that
// throws the draft away follows the draft's version. Without scripts both work by sending the form.

/** A step is opened when a link leads to it. */
function openStep() {
  const folded = document.querySelector(`[data-open-for="${CSS.escape(location.hash.slice(1))}"]`);
  if (folded) folded.open = true;
}
openStep();
window.addEventListener("hashchange", openStep);

const version = document.querySelector("form[data-autosave] input[name=version]");
for (const follower of document.querySelectorAll("input[data-follows-version]")) {
  follower.form.addEventListener("submit", () => (follower.value = version?.value ?? follower.value));
}

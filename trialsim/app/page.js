// Dark where the system is dark; sliders beside their numbers; how far a run is.
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
dark.addEventListener("change", colour);
colour();

document.addEventListener("input", ({ target, isTrusted }) => {
  if (!isTrusted) return;
  if (target.matches('input[type="range"][data-for]')) {
    const number = document.getElementById(target.dataset.for);
    number.value = target.value;
    for (const name of ["input", "change"]) number.dispatchEvent(new Event(name, { bubbles: true }));
  } else if (target.type === "number") {
    const slider = document.querySelector(`input[data-for="${target.id}"]`);
    if (slider) slider.value = target.value;
  }
});

// A file that is too large is not sent; the server would refuse it.
document.addEventListener("change", (event) => {
  const most = Number(document.getElementById("design").dataset.most);
  if (event.target.id !== "file" || !(event.target.files[0]?.size > most)) return;
  event.stopImmediatePropagation();
  event.target.value = "";
  document.getElementById("status").textContent =
    `The file was not sent: it has more than ${most.toLocaleString("en")} bytes.`;
}, true);

document.addEventListener("DOMContentLoaded", () => {
  const buttons = "run draw show_trial show_patient compare_kept make_report".split(" ");
  const show = ({ running, done, total, words }) => {
    const bar = document.getElementById("progress");
    const place = document.getElementById("running");
    if (place.classList.contains("active") && !running) place.dataset.ended = Number(place.dataset.ended ?? 0) + 1;
    place.classList.toggle("active", running);
    if (total) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
    document.getElementById("status").textContent = words;
    document.getElementById("stop").disabled = !running;
    for (const name of buttons) document.getElementById(name).disabled = running;
  };
  document.querySelector('#design input[readonly]').ariaLabel = "Name of the file";
  Shiny.addCustomMessageHandler("running", show);
  show({ running: false, done: 0, total: 1, words: "" });
});

// The sliders choose a row of the table; everything shown is what stands in that row.
{
  const one = (selector) => document.querySelector(selector);
  const rows = [...one("#designs").tBodies[1].rows];
  const sliders = [...document.querySelectorAll("#sliders input")];
  const values = sliders.map((slider) => [...slider.list.options].map((option) => option.label));
  const along = one("#along"), curve = one("#curve");
  const number = (text) => Number(text.replace(/[<,]/g, ""));
  const places = () => sliders.map((slider) => Number(slider.value));
  const row = (at) => rows[at.reduce((sum, place, path) => sum * values[path].length + place, 0)];
  const text = (at, column) => row(at).cells[column].textContent.trim();

  for (const cell of one("#designs").querySelectorAll("td")) {
    const value = number(cell.textContent.trim());
    if (!Number.isNaN(value)) cell.dataset.value = value; // by which the column is sorted
  }

  const drawn = (name, attributes, content = "") => {
    const part = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    part.textContent = content;
    curve.append(part);
  };
  const draw = (at) => {
    const path = Number(along.value), power = sliders.length;
    const { width, height } = curve.getBoundingClientRect();
    const [left, right, top, bottom] = [44, width - 24, 12, height - 44];
    const own = values[path], numbers = own.map(Number);
    const scaled = numbers.every(Number.isFinite) && own.length > 1 ? numbers : own.map((_, i) => i);
    const span = scaled.at(-1) - scaled[0] || 1;
    const x = (i) => left + 16 + ((scaled[i] - scaled[0]) / span) * (right - left - 32);
    const y = (share) => bottom - share * (bottom - top);
    curve.replaceChildren();
    for (const share of [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]) {
      const kind = share === 0.8 || share === 0.9 ? "target" : "grid";
      drawn("line", { class: kind, x1: left, x2: right, y1: y(share), y2: y(share) });
      if (share !== 0.9) {
        drawn("text", { x: left - 8, y: y(share) + 4, "text-anchor": "end" }, share.toFixed(1));
      }
    }
    let written = -Infinity;
    own.forEach((value, i) => {
      const there = at.with(path, i), ends = text(there, power + 2).split(" to ").map(number);
      drawn("line", { class: "bar", x1: x(i), x2: x(i), y1: y(ends[0]), y2: y(ends[1]) });
      const [kind, r] = i === at[path] ? ["point chosen", 7] : ["point", 5];
      drawn("circle", { class: kind, cx: x(i), cy: y(number(text(there, power))), r });
      if (x(i) - written > 8 * value.length + 8) {
        drawn("text", { x: x(i), y: bottom + 18, "text-anchor": "middle" }, value);
        written = x(i);
      }
    });
    const label = along.selectedOptions[0].textContent;
    drawn("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, label);
    const told = own.map((value, i) => `${text(at.with(path, i), power)} at ${value}`);
    curve.setAttribute("aria-label", `Power along ${label}: ${told.join(", ")}`);
  };

  const show = () => {
    const at = places();
    const chosen = at.map((place, path) => values[path][place]);
    sliders.forEach((slider, path) => {
      slider.setAttribute("aria-valuetext", chosen[path]);
      slider.previousElementSibling.textContent = chosen[path];
    });
    for (const part of document.querySelectorAll("#tiles [data-column]")) {
      part.textContent = text(at, part.dataset.column);
    }
    for (const other of rows) other.classList.toggle("chosen", other === row(at));
    const options = sliders.map((slider, path) => `--set ${slider.dataset.path}=${chosen[path]}`);
    one("#options").textContent = options.join(" ");
    draw(at);
  };
  const follow = () => { // the address names a design, such as page.html#2,0
    const named = location.hash.slice(1).split(",").map(Number);
    if (named.length === sliders.length && named.every((place, path) => values[path][place])) {
      named.forEach((place, path) => { sliders[path].value = place; });
    }
    show();
  };

  one("#explorer").hidden = false;
  one("#along-choice").hidden = sliders.length < 2;
  one("details").open = false;
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      show();
      history.replaceState(null, "", `#${places()}`);
    });
  }
  along.addEventListener("input", show);
  addEventListener("hashchange", follow);
  addEventListener("resize", show);
  follow();
}

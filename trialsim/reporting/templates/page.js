// Tables are sorted by the buttons in their headings; without script they stay as written.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    const number = Number(cell.dataset.value ?? NaN);
    return Number.isNaN(number) ? cell.textContent.trim().toLowerCase() : number;
  };
  const compared = (one, other) =>
    typeof one === "number" && typeof other === "number" ? one - other
      : typeof one === "number" ? -1
      : typeof other === "number" ? 1
      : one.localeCompare(other);
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const falling = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((one) => one.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      for (const body of table.tBodies) {
        const rows = [...body.rows].sort(
          (one, other) => compared(key(one, column), key(other, column)) * (falling ? -1 : 1),
        );
        body.append(...rows);
      }
    });
  });
}
// Whatever is folded is printed, but what is folded because it says nothing.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not(.folded)")) folded.open = true;
});

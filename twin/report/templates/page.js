// Sorting by column (the pattern of the ARIA Authoring Practices) and unfolding before printing: nothing else.
(() => {
  "use strict";
  const key = (row, column) => {
    const cell = row.cells[column];
    if ("value" in cell.dataset) return Number(cell.dataset.value);
    const text = cell.textContent.trim();
    return text === "" || text === "\u2013" ? null : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const headings = [...table.tHead.rows[0].cells];
    const hint = document.createElement("span");
    hint.className = "hidden";
    hint.textContent = ", sortable by the buttons in its headings";
    table.caption.append(hint);
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const number = "value" in (body.rows[0].cells[column].dataset);
        const now = heading.getAttribute("aria-sort");
        const order = now === null ? (number ? "descending" : "ascending") : now === "ascending" ? "descending" : "ascending";
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...body.rows];
        const last = rows.splice(rows.length - Number(table.dataset.last));
        const keyed = rows.map((row) => [key(row, column), row]);
        keyed.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * compare(a, b)));
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", order);
        body.append(...keyed.map(([, row]) => row), ...last);
      });
    });
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((entry) => (entry.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((entry) => (entry.open = false)));
})();

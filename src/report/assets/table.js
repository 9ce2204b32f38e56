"use strict";
(function () {
  /* What a cell sorts by: its number, or its text; null where there is none. */
  function key(row, column, number) {
    const cell = row.cells[column];
    if (!number) return cell.textContent;
    const value = cell.dataset.v ?? "";
    return value === "" ? null : Number(value);
  }

  function sort(table, column, head) {
    const number = "number" in head.dataset;
    const state = head.getAttribute("aria-sort");
    const down = state === "none" ? number && !("least" in head.dataset) : state === "ascending";
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [key(row, column, number), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = number ? a - b : a.localeCompare(b, document.documentElement.lang, { numeric: true });
      return down ? -order : order;
    });
    body.append(...keyed.map(([, row]) => row));
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.disabled = false;
      button.addEventListener("click", () => sort(table, column, head));
    });
  }
  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();

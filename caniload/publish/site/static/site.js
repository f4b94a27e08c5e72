// What every page has: ages of days, open drawers that a permalink names, tables to sort and filter.
(() => {
  "use strict";
  const DAY = 86400000;
  const FILTER_FROM = 12;

  const made = (name, props, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children);
    return element;
  };

  // The page holds a date; how long ago that is only the reader's clock knows.
  function ages() {
    const now = Date.parse(new Date().toISOString().slice(0, 10));
    for (const time of document.querySelectorAll("time.day")) {
      const days = Math.round((now - Date.parse(time.dateTime)) / DAY);
      if (!Number.isFinite(days)) continue;
      time.title = days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
      if (time.closest("summary, footer, .facts")) time.after(` (${time.title})`);
    }
  }

  function reveal() {
    const name = decodeURIComponent(location.hash.slice(1));
    const target = name && document.getElementById(name);
    if (!target) return;
    for (let one = target; one; one = one.parentElement?.closest("details")) {
      if (one instanceof HTMLDetailsElement) one.open = true;
    }
    target.scrollIntoView({ block: "start" });
    const focus = target.querySelector("summary, a") ?? target;
    focus.focus({ preventScroll: true });
  }

  const keyOf = (cell) => {
    const text = cell.textContent.trim();
    const number = Number(text.replace(/,| of .*$/g, "").replace(/ ?(s|B|kB|MB|GB|k|M)$/, ""));
    const unit = { kB: 1e3, k: 1e3, MB: 1e6, M: 1e6, GB: 1e9 }[/(kB|MB|GB|k|M)$/.exec(text)?.[1]] ?? 1;
    return cell.classList.contains("number") && text !== "" && text !== "-" && !Number.isNaN(number)
      ? number * unit : text.toLowerCase();
  };

  function sorted(table, at, button) {
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [keyOf(row.cells[at]), row]);
    rows.sort(([a], [b]) => {
      if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
      return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    });
    body.append(...rows.map(([, row]) => row));
  }

  function sortable(table) {
    if (!table.tHead || table.tBodies[0].rows.length < 3) return;
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = made("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => sorted(table, at, button));
    });
  }

  function filterable(table, at) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < FILTER_FROM) return;
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const count = made("span", { className: "quiet" });
    count.setAttribute("role", "status");
    const input = made("input", { type: "search", id: `filter-${at}`, autocomplete: "off" });
    const label = made("label", { htmlFor: input.id }, "Only rows with");
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, n) => {
        row.hidden = !words.every((word) => texts[n].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      count.textContent = words.length ? `${shown} of ${rows.length}` : `${rows.length} rows`;
    };
    input.addEventListener("input", apply);
    apply();
    table.closest(".table").before(made("div", { className: "filter" }, label, input, count));
  }

  // A table that no file holds can be taken along as it stands.
  function downloadable(table) {
    if (table.querySelector(".get") || !table.caption) return;
    const link = made("a", { href: "#", textContent: "CSV" });
    link.setAttribute("download", "");
    link.addEventListener("click", () => {
      const flat = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
      const guard = (text) => (/^[=+\-@]./.test(text) ? `'${text}` : text);
      const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const text = [...table.rows].map((row) =>
        [...row.cells].map((cell) => quote(guard(flat(cell)))).join(",")).join("\r\n");
      link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }));
      link.download = `${table.caption.firstChild.textContent.trim().replace(/[^\w.-]+/g, "-")}.csv`;
    });
    table.caption.append(" ", made("span", { className: "get" }, link));
  }

  ages();
  document.querySelectorAll("main table").forEach((table, at) => {
    downloadable(table);
    sortable(table);
    if (table.closest(".table")) filterable(table, at);
  });
  addEventListener("hashchange", reveal);
  // The browser's own way to a fragment, at load, would take the focus away again.
  addEventListener("load", () => requestAnimationFrame(reveal));
  reveal();
})();

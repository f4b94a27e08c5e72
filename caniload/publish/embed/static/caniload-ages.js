// Count the age of every dated embed in the page, and mark what is older than its page allows.
(() => {
  "use strict";
  const DAY = 86400000;

  function count(root) {
    const now = Date.parse(new Date().toISOString().slice(0, 10));
    for (const time of root.querySelectorAll("time.caniload-day:not([data-counted])")) {
      const days = Math.round((now - Date.parse(time.dateTime)) / DAY);
      if (!Number.isFinite(days)) continue;
      time.dataset.counted = "yes";
      const allowed = Number(time.dataset.maxAge ?? "Infinity");
      const past = days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
      const age = document.createElement("span");
      age.className = "caniload-age";
      age.textContent = days > allowed ? ` (${past}, too old)` : ` (${past})`;
      time.after(age);
      if (days > allowed) (time.closest("tr") ?? time.closest(".caniload")).classList.add("caniload-too-old");
    }
  }

  const all = () => count(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
  // Material for MkDocs replaces the page without loading it, and says so here.
  window.document$?.subscribe?.(all);
})();

// Search as you type over everything that is known. The index and what searches it are fetched when
// somebody means to search; text of the index is never taken as HTML.
(() => {
  "use strict";
  const SHOWN = { model: 15, dataset: 8, tool: 8, source: 10 }; // and 9 under models: 50 hits
  const TASKS = 10;
  const FACETS = ["kind", "known", "framework", "hub", "task"];
  const field = document.getElementById("q");
  const found = document.getElementById("found");
  if (!field || !found) return;
  const root = document.documentElement.dataset.root || "./";
  const filters = Object.fromEntries(FACETS.map((facet) => [facet, new Set()]));
  let more = {};
  let index = null;
  let find = null;
  let asking = null;
  let failed = "";
  let follow = false;
  let telling = 0;

  const make = (name, props, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const status = make("p", { className: "quiet found-count" });
  status.setAttribute("role", "status");
  found.before(status);
  found.setAttribute("aria-live", "off"); // the count is what is told

  const plural = (number, kind) => `${number.toLocaleString("en")} ${number === 1 ? kind : find.PLURAL[kind]}`;
  const listed = (texts) => (texts.length > 1
    ? `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}` : texts[0] ?? "");

  function tell(text, wait = 350) {
    clearTimeout(telling);
    telling = setTimeout(() => { status.textContent = text; }, wait);
  }

  // A timer waits its turn behind key strokes and other timers; a continuation would go before them.
  const pause = () => new Promise((go) => { setTimeout(go, 0); });

  function script(address) {
    return new Promise((go, stop) => {
      const element = make("script", { src: address, onload: go });
      element.onerror = () => stop(new Error(`${address} did not come`));
      document.head.append(element);
    });
  }

  // Fetch once, when somebody means to search.
  function prepare() {
    asking ??= (async () => {
      try {
        const [answer] = await Promise.all([
          fetch(new URL(`${root}search.json`, document.baseURI)),
          globalThis.MiniSearch ? null : script(`${root}static/minisearch.js`),
          globalThis.caniloadFind ? null : script(`${root}static/find.js`),
        ]);
        find = globalThis.caniloadFind;
        if (!answer.ok) throw new Error(`search.json answers ${answer.status}`);
        const raw = await answer.json();
        if (raw?.caniload !== "search") throw new Error("search.json holds no index");
        if (raw.schema_version > 1) throw new Error("search.json is newer than this script");
        const made = new find.Index(raw, globalThis.MiniSearch);
        failed = "";
        index = made;
        await made.fill(pause, show);
      } catch (error) {
        asking = null;
        index = null;
        failed = location.protocol === "file:"
          ? "Searching needs these pages to come from a server; all models stand below."
          : `The index did not come (${error.message}); all models stand below.`;
        show();
      }
    })();
    return asking;
  }

  const filtered = () => FACETS.some((facet) => filters[facet].size);

  function remember() {
    const query = new URLSearchParams();
    if (field.value.trim()) query.set("q", field.value.trim());
    for (const facet of FACETS) for (const value of filters[facet]) query.append(facet, value);
    const text = query.toString();
    try {
      history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
    } catch { /* a page from a file cannot change its address */ }
  }

  function recall() {
    const query = new URLSearchParams(location.search);
    field.value = query.get("q") ?? field.value;
    for (const facet of FACETS) filters[facet] = new Set(query.getAll(facet));
    if (field.value.trim() || filtered()) ask();
  }

  function ask() {
    more = {};
    follow = false;
    remember();
    if (!field.value.trim() && !filtered()) {
      found.hidden = true;
      found.replaceChildren();
      tell("", 0);
      return;
    }
    if (!index && !failed) tell("Loading the index…", 150);
    prepare();
    show();
  }

  function show() {
    const text = field.value;
    if (!text.trim() && !filtered()) return;
    if (failed && !index) {
      found.hidden = true;
      tell(failed, 0);
      return;
    }
    if (!index) return;
    const every = index.find(text);
    const hits = find.kept(every, filters);
    const groups = find.grouped(hits);
    const key = document.activeElement?.closest?.("#found")
      ? document.activeElement.dataset.key : null;
    found.replaceChildren(chips(every), ...groups.map(section));
    found.hidden = false;
    found.dataset.query = text;
    found.toggleAttribute("data-whole", index.done);
    if (key) found.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
    const counts = groups.map((group) => plural(group.all, group.kind));
    const rest = index.done ? "" : " so far; sources are still being read";
    tell(counts.length ? `${listed(counts)} found${rest}.` : `Nothing was found${rest}.`);
    if (follow && (index.done || hits.some((hit) => hit.exact))) first()?.click();
  }

  function chips(every) {
    const groups = FACETS.map((facet) => {
      const counts = find.counted(every, filters, facet);
      for (const value of filters[facet]) if (!counts.has(value)) counts.set(value, 0);
      let values = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
      if (facet === "kind") values.sort(([a], [b]) => find.KINDS.indexOf(a) - find.KINDS.indexOf(b));
      if (facet === "task") {
        values = values.filter(([value], at) => at < TASKS || filters.task.has(value));
      }
      if (!values.length) return null;
      const label = make("span", { className: "facet-name", id: `facet-${facet}` }, facet === "known" ? "evidence" : facet);
      const group = make("div", { className: "facet" }, label, ...values.map(([value, count]) => chip(facet, value, count)));
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", label.id);
      return group;
    });
    const wide = matchMedia("(min-width: 40rem)").matches;
    const now = found.querySelector(".facets");
    return make("details", { className: "facets", open: now ? now.open : wide || filtered() },
      make("summary", {}, "Filter"), ...groups);
  }

  function chip(facet, value, count) {
    const name = facet === "framework" ? nameOf(value) : facet === "kind" ? find.PLURAL[value] ?? value : value;
    const button = make("button", { type: "button", className: "chip" }, name, " ",
      make("span", { className: "chip-count" }, count.toLocaleString("en")));
    button.dataset.key = `${facet}=${value}`;
    button.setAttribute("aria-pressed", String(filters[facet].has(value)));
    button.addEventListener("click", () => {
      if (!filters[facet].delete(value)) filters[facet].add(value);
      ask();
    });
    return button;
  }

  const nameOf = (framework) => index.raw.frameworks.find(([id]) => id === framework)?.[1] ?? framework;

  function section({ kind, hits, under }) {
    const limit = SHOWN[kind] + (more[kind] ?? 0);
    const title = kind[0].toUpperCase() + find.PLURAL[kind].slice(1);
    const head = make("h2", { id: `found-${kind}`, className: "found-kind" }, title);
    const list = make("ol", { className: "hits" }, ...hits.slice(0, limit).map((hit) => row(hit, under.get(hit.thing))));
    list.setAttribute("aria-labelledby", head.id);
    const rest = hits.length - limit;
    if (rest <= 0) return make("div", { className: "found-group" }, head, list);
    const button = make("button", { type: "button", className: "chip" }, `${rest.toLocaleString("en")} more ${find.PLURAL[kind]}`);
    button.dataset.key = `more=${kind}`;
    button.addEventListener("click", () => {
      more[kind] = (more[kind] ?? 0) + 50;
      show();
      found.querySelectorAll(`#found-${kind} + .hits > li`)[limit]?.querySelector("a").focus();
    });
    return make("div", { className: "found-group" }, head, list, button);
  }

  function row(hit, nested, inside = false) {
    const { thing } = hit;
    const link = make("a", { className: "hit-name", href: `${root}${thing.folder}index.html` }, ...marked(thing.name, hit));
    link.dataset.key = thing.folder;
    const also = thing.aliases.filter((name) => find.together(name) !== find.together(thing.name)
      && find.words(name).some((word) => hit.said.some((said) => word.startsWith(said)))).slice(0, 2);
    const sub = nested?.length ? make("ul", { className: "hits nested" }, ...nested.map((one) => row(one, [], true))) : null;
    return make("li", { className: "hit" }, link, " ", make("span", { className: "hit-kind" }, thing.kind), " ",
      ...known(thing), also.length ? make("span", { className: "quiet" }, "· also called ", ...also.flatMap((name, at) =>
        [at ? ", " : "", ...marked(name, hit)])) : null, about(hit, inside), sub);
  }

  function about(hit, inside) {
    const { thing } = hit;
    if (thing.kind !== "source") return make("p", { className: "quiet" }, ...marked(thing.about, hit));
    const said = [];
    if (thing.models.length && !inside) said.push(`of ${listed(thing.models.map((model) => model.name))}`);
    if (thing.catalogues.length) said.push(`listed by ${listed(thing.catalogues)}`);
    if (thing.tasks.length) said.push(thing.tasks.join(", "));
    return said.length ? make("p", { className: "quiet" }, said.join("; ")) : null;
  }

  function known(thing) {
    if (thing.kind === "tool") return [make("span", { className: "status" }, thing.status)];
    if (thing.kind === "dataset") {
      const names = thing.frameworks.map(nameOf);
      return [make("span", { className: "quiet" }, names.length ? `reached from ${listed(names)}` : "")];
    }
    const told = new Set(thing.results.map(([name]) => name));
    const claims = (thing.claims ?? []).filter((name) => !told.has(name));
    const claimed = index.raw.verdicts.find(([word]) => word === "claimed");
    const all = [...thing.results, ...claims.map((name) => [name, claimed])];
    if (!all.length) return [make("span", { className: "quiet" }, "nothing is known")];
    return all.map(([name, verdict]) => make("span", { className: "result" }, `${nameOf(name)} `, pill(verdict)));
  }

  function pill([word, mark]) {
    const sign = make("span", {}, mark);
    sign.setAttribute("aria-hidden", "true");
    return make("span", { className: `pill pill-${word}` }, sign, ` ${word}`);
  }

  // The text with what was looked for marked, in nodes.
  function marked(text, { said, terms: matched }) {
    const nodes = [];
    let last = 0;
    for (const run of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
      const word = find.fold(run[0]);
      const begun = said.filter((one) => word.startsWith(one)).sort((a, b) => b.length - a.length)[0];
      let size = 0;
      if (begun) size = word.length === run[0].length ? begun.length : run[0].length;
      else if (matched.includes(word)) size = run[0].length;
      if (!size) continue;
      nodes.push(text.slice(last, run.index), make("mark", {}, run[0].slice(0, size)));
      last = run.index + size;
    }
    return [...nodes, text.slice(last)];
  }

  const links = () => [...found.querySelectorAll("a.hit-name")];
  const first = () => links()[0];

  function clear() {
    field.value = "";
    for (const facet of FACETS) filters[facet].clear();
    ask();
    field.focus();
  }

  function move(event) {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    if (event.key === "ArrowUp" && document.activeElement === field) return;
    event.preventDefault();
    (next < 0 ? field : all[Math.min(next, all.length - 1)] ?? field).focus();
  }

  let typing = 0;
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, index ? 40 : 0);
  });
  field.addEventListener("focus", () => { prepare(); });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    ask();
    follow = Boolean(field.value.trim());
    if (index) show();
  });
  for (const part of [field, found]) {
    part.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.preventDefault(); clear(); }
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  addEventListener("popstate", recall);
  recall();
})();

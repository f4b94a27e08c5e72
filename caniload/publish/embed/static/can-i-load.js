// <can-i-load model="bert" framework="pytorch" src="answers.json">: the answer with its evidence,
// read from a file that `caniload docs export` wrote. No dependencies; text is never taken as HTML.
(() => {
  "use strict";
  const SIGNS = {
    works: ["✓", "#1a7440"], differs: ["≈", "#8a5a00"], flaky: ["↯", "#8a5a00"],
    fails: ["✕", "#b3261e"], blocked: ["⊘", "#9a4313"], claimed: ["“", "#35608f"],
    unknown: ["?", "#5a6270"],
  };
  const STALE = "#666b73";
  const DAY = 86400000;
  const NARROW = ["framework", "loader", "device", "environment"];
  const STYLE = `
    :host { display: block; font: inherit; line-height: 1.5; }
    :host([hidden]) { display: none; }
    p { margin: 0; overflow-wrap: anywhere; }
    .pill { display: inline-block; border-radius: .7em; padding: 0 .6em; white-space: nowrap;
      color: #fff; font-weight: 600; font-size: .88em; line-height: 1.6; }
    .quiet { opacity: .85; font-size: .9em; }
    code { font-size: .9em; overflow-wrap: anywhere; }
    details { margin-top: .3em; }
    summary { cursor: pointer; font-size: .9em; width: fit-content; }
    summary:focus-visible, .scroll:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .88em; }
    caption { text-align: left; padding: .4em 0; opacity: .85; }
    th, td { text-align: left; vertical-align: top; font-weight: 400; padding: .3em .8em .3em 0;
      border-bottom: 1px solid; border-color: color-mix(in srgb, currentColor 20%, transparent); }
    tbody th { font-weight: 600; }
    time { white-space: nowrap; }
    td:last-child { min-width: 9em; }`;
  const script = document.currentScript?.src ?? document.baseURI;
  const files = new Map();

  function load(address) {
    if (!files.has(address)) {
      files.set(address, fetch(address).then((answer) => {
        if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
        return answer.json();
      }).then((found) => {
        if (found?.caniload !== "answers") throw new Error(`${address} holds no answers`);
        if (found.schema_version > 1) throw new Error(`${address} is newer than this script`);
        return found;
      }).catch((error) => { files.delete(address); throw error; }));
    }
    return files.get(address);
  }

  function make(name, props = {}, ...children) {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  const dayOf = (cell) => cell.measured?.slice(0, 10);
  const daysSince = (day) =>
    Math.round((Date.parse(new Date().toISOString().slice(0, 10)) - Date.parse(day)) / DAY);
  const versionsOf = (cell) =>
    Object.entries(cell.versions ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  const detail = (cell) =>
    cell.result.startsWith(cell.verdict)
      ? cell.result.slice(cell.verdict.length).replace(/^[,:\s]+/, "") : cell.result;

  class CanILoad extends HTMLElement {
    static observedAttributes = ["model", "src", "max-age", ...NARROW];

    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: "open" });
      this.#ask();
    }

    attributeChangedCallback() {
      if (this.shadowRoot) this.#ask();
    }

    async #ask() {
      const name = this.getAttribute("model") ?? "";
      const template = this.getAttribute("src") ?? "answers/{model}.json";
      const base = this.hasAttribute("src") ? document.baseURI : script;
      const filled = template.replaceAll("{model}", encodeURIComponent(name));
      const asked = (this.asked = {});
      this.setAttribute("aria-busy", "true");
      let shown;
      try {
        if (!name) throw new Error("the model attribute is missing");
        shown = this.#answer(await load(new URL(filled, base).href), name);
      } catch (error) {
        // What stands inside the element is the author's own text: it takes the answer's place.
        shown = [make("slot"), make("p", { className: "quiet" }, `No answer: ${error.message}`)];
      }
      if (asked !== this.asked) return;
      this.removeAttribute("aria-busy");
      this.shadowRoot.replaceChildren(make("style", { textContent: STYLE }), ...shown);
    }

    #answer(answers, name) {
      const wanted = name.toLowerCase();
      const model = answers.models.find((one) =>
        [one.id, one.name, ...(one.aliases ?? [])].some((text) => text.toLowerCase() === wanted));
      if (!model) throw new Error(`no model named ${name}`);
      const cells = (model.cells ?? []).filter((cell) => this.#covers(cell));
      const best = cells[0];
      if (!best) {
        return [make("p", {}, this.#pill({ verdict: "unknown" }), ` ${model.name}: nothing is known`)];
      }
      return [this.#line(model, best), this.#table(model, cells)];
    }

    #covers(cell) {
      return NARROW.every((key) => {
        const value = this.getAttribute(key);
        if (value === null || cell[key] === value) return true;
        if (key === "device") return cell.device === undefined || cell.device.split(":")[0] === value;
        return key === "environment" && cell.environment === undefined;
      });
    }

    #old(cell) {
      return cell.measured !== undefined && this.hasAttribute("max-age")
        && daysSince(dayOf(cell)) > Number(this.getAttribute("max-age"));
    }

    #pill(cell) {
      const [mark, colour] = SIGNS[cell.verdict] ?? SIGNS.unknown;
      const pill = make("span", { className: "pill" },
        make("span", { ariaHidden: "true" }, mark), ` ${cell.verdict}`);
      pill.style.background = this.#old(cell) ? STALE : colour;
      return pill;
    }

    #day(cell) {
      const day = dayOf(cell);
      if (!day) return [document.createTextNode("never")];
      const days = daysSince(day);
      const past = days <= 0 ? "today" : days === 1 ? "yesterday" : `${days} days ago`;
      return [make("time", { dateTime: day }, day), ` (${past}${this.#old(cell) ? ", too old" : ""})`];
    }

    #line(model, cell) {
      const where = [cell.framework_name, cell.framework_version].filter(Boolean).join(" ");
      const more = detail(cell);
      const told = ` ${model.name} with ${cell.loader_name} in ${where}`
        + (cell.device ? `, ${cell.device}` : "") + (more ? `: ${more}` : "");
      if (!cell.measured) {
        return make("p", {}, this.#pill(cell), `${told}${cell.verdict === "claimed" ? "" : "; never measured"}`);
      }
      return make("p", {}, this.#pill(cell), told, " ", make("span", { className: "quiet" },
        `${versionsOf(cell)}; measured `, ...this.#day(cell), ", run ", make("code", {}, cell.run)));
    }

    #table(model, cells) {
      const measured = cells.filter((cell) => cell.measured);
      if (!measured.length) return make("p", { className: "quiet" }, "No cell has been measured.");
      const head = ["loader", "framework", "versions", "device", "result", "measured", "run"];
      const rows = measured.map((cell) => make("tr", {},
        make("th", { scope: "row" }, cell.loader_name), make("td", {}, cell.framework_name),
        make("td", {}, versionsOf(cell) || "-"), make("td", {}, cell.device ?? "-"),
        make("td", {}, this.#pill(cell), ` ${detail(cell)}`), make("td", {}, ...this.#day(cell)),
        make("td", {}, make("code", {}, cell.run ?? "-"))));
      const columns = head.map((text) => make("th", { scope: "col" }, text));
      const table = make("table", {},
        make("caption", {}, `${model.name}: what was attempted, and how it ended`),
        make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows));
      const scroll = make("div", { className: "scroll", tabIndex: 0, role: "group",
        ariaLabel: `Measured results of ${model.name}` }, table);
      const many = measured.length === 1 ? "1 measured cell" : `${measured.length} measured cells`;
      return make("details", { open: this.hasAttribute("open") }, make("summary", {}, many), scroll);
    }
  }

  if (!customElements.get("can-i-load")) customElements.define("can-i-load", CanILoad);
})();

// The page for choosing a framework: puts together the lines that were made before, as
// `caniload choose` does. Nothing is weighed, and text is never taken as HTML.
(() => {
  "use strict";
  const TOPICS = ["model", "dataset", "deploy", "language", "need"];
  const SHOWN = 6; // so many lines of a subject stand in one part; the others are folded away
  const VERDICTS = { works: "✓", differs: "≈", flaky: "↯", fails: "✕", blocked: "⊘", claimed: "“", unknown: "?" };
  const fold = (text) => text.toLowerCase().trim().replace(/[_ ]/g, "-");

  // All subjects by topic, each with its lines by framework, the texts in place of their numbers.
  function read(raw) {
    const text = (at) => (at < 0 ? null : raw.texts[at]);
    const partOf = new Map(Object.entries(raw.parts).flatMap(([part, states]) => states.map((state) => [state, part])));
    const cites = raw.evidence.map(([kind, ...numbers]) => {
      const [id, page, day, to] = numbers.map(text);
      return { kind, id, page, day, to };
    });
    const line = (topic, subject, framework, [state, via, says, shown, many]) => ({
      topic, subject, framework, place: state, state: raw.states[state], part: partOf.get(state),
      via: text(via), says: text(says), cites: shown.map((at) => cites[at]), many });
    const topics = {};
    for (const topic of TOPICS) {
      topics[topic] = new Map(raw.subjects[topic].map(([id, called, sides]) => [id, { id, called,
        lines: () => sides.map((side, at) => side.map((one) => line(topic, id, raw.frameworks[at][0], one))) }]));
    }
    return { frameworks: raw.frameworks, parts: Object.keys(raw.parts), topics };
  }

  // What a name means: an id, a name or another name, as the catalogue has it.
  function resolve(data, topic, name) {
    const wanted = fold(name);
    for (const one of data.topics[topic].values()) if (fold(one.id) === wanted) return one.id;
    for (const one of data.topics[topic].values()) {
      if (one.called.some((other) => fold(other) === wanted)) return one.id;
    }
    return null;
  }

  // `asked` has ids by topic; the answer is that of catalog/choose.py.
  function answer(data, asked) {
    const subjects = TOPICS.flatMap((topic) => (asked[topic] ?? []).map((id) => [topic, id]));
    const sides = data.frameworks.map(([framework, name]) => ({ framework, name, lines: [], best: [] }));
    for (const [topic, id] of subjects) {
      data.topics[topic].get(id).lines().forEach((lines, at) => {
        sides[at].lines.push(...lines);
        sides[at].best.push(lines.reduce((least, line) => (line.place < least.place ? line : least)));
      });
    }
    const givenUp = sides.flatMap((side) => subjects.flatMap(([topic, subject], at) => {
      const here = side.best[at];
      const there = sides.filter((other) => other !== side).map((other) => other.best[at]).filter((line) => more(line, here));
      return there.length ? [{ framework: side.framework, topic, subject, here, there }] : [];
    }));
    return { subjects, sides, givenUp };
  }

  // Less is: not there, as far as is known; or with other numbers where another works.
  function more(there, here) {
    if (here.part !== "there") return there.part === "there";
    return there.state === "works" && ["differs", "flaky"].includes(here.state);
  }

  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
  const command = (asked) => ["caniload choose",
    ...TOPICS.flatMap((topic) => (asked[topic] ?? []).map((id) => `--${topic} ${quoted(id)}`))].join(" ");

  if (typeof module !== "undefined") module.exports = { read, resolve, answer, command };
  if (typeof document === "undefined") return;

  const form = document.getElementById("choose");
  const shown = document.getElementById("answer");
  if (!form || !shown) return;
  const root = document.documentElement.dataset.root || "./";
  const status = document.getElementById("choose-status");
  const asked = Object.fromEntries(TOPICS.map((topic) => [topic, []]));
  let data = null;
  let asking = null;

  const make = (name, props, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const tell = (text) => { status.textContent = text; };

  function prepare() {
    asking ??= fetch(new URL("lines.json", document.baseURI)).then((found) => {
      if (!found.ok) throw new Error(`lines.json answers ${found.status}`);
      return found.json();
    }).then((raw) => {
      if (raw?.caniload !== "choose") throw new Error("lines.json holds no lines");
      if (raw.schema_version > 1) throw new Error("lines.json is newer than this script");
      data = read(raw);
    }).catch((error) => {
      asking = null;
      tell(location.protocol === "file:"
        ? "The answer needs these pages to come from a server; the command below gives it too."
        : `The lines did not come (${error.message}); the command below gives the answer too.`);
      throw error;
    });
    return asking;
  }

  function remember() {
    const query = new URLSearchParams();
    for (const topic of TOPICS) for (const id of asked[topic]) query.append(topic, id);
    const text = query.toString();
    try {
      history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
    } catch { /* a page from a file cannot change its address */ }
  }

  async function recall() {
    const query = new URLSearchParams(location.search);
    for (const topic of TOPICS) asked[topic] = [];
    if (!TOPICS.some((topic) => query.getAll(topic).length)) {
      draw();
      return;
    }
    tell("Loading the lines…");
    try { await prepare(); } catch { return; }
    const strange = [];
    for (const topic of TOPICS) {
      for (const name of query.getAll(topic)) if (!add(topic, name)) strange.push(`${topic} ${name}`);
    }
    draw(strange);
  }

  function add(topic, name) {
    const id = resolve(data, topic, name);
    if (id !== null && !asked[topic].includes(id)) asked[topic].push(id);
    return id !== null;
  }

  function drop(topic, id) {
    asked[topic] = asked[topic].filter((one) => one !== id);
    remember();
    draw();
  }

  async function typed(input) {
    const { topic } = input.dataset;
    const name = input.value.trim();
    if (!name) return;
    tell("Loading the lines…");
    try { await prepare(); } catch { return; }
    if (!add(topic, name)) {
      input.setAttribute("aria-invalid", "true");
      tell(`No ${topic} of the catalogue is called “${name}”.`);
      return;
    }
    input.value = "";
    input.removeAttribute("aria-invalid");
    remember();
    draw();
  }

  async function checked(box) {
    const { topic } = box.dataset;
    asked[topic] = [...form.querySelectorAll(`input[type=checkbox][data-topic=${topic}]:checked`)].map((one) => one.value);
    remember();
    try { await prepare(); } catch { return; }
    draw();
  }

  // What was chosen, in the form.
  function chips() {
    for (const list of form.querySelectorAll("[data-chosen]")) {
      const topic = list.dataset.chosen;
      list.replaceChildren(...asked[topic].map((id) => {
        const name = data?.topics[topic].get(id)?.called[0] ?? id;
        const button = make("button", { type: "button", className: "chip" }, name, " ", make("span", { ariaHidden: "true" }, "×"));
        button.setAttribute("aria-label", `Remove ${name}`);
        button.addEventListener("click", () => {
          drop(topic, id);
          document.getElementById(`choose-${topic}`).focus();
        });
        return make("li", {}, button);
      }));
    }
    for (const box of form.querySelectorAll("input[type=checkbox]")) {
      box.checked = asked[box.dataset.topic].includes(box.value);
    }
  }

  function draw(strange = []) {
    chips();
    const odd = strange.length ? ` Not known here, so left out: ${strange.join(", ")}.` : "";
    const found = data ? answer(data, asked) : { subjects: [] };
    shown.hidden = !found.subjects.length;
    if (!found.subjects.length) {
      shown.replaceChildren();
      tell(`Nothing is asked yet.${odd}`);
      return;
    }
    const line = make("pre", { tabIndex: 0 }, make("code", {}, command(asked)));
    shown.replaceChildren(make("h2", {}, "What each framework has"), table(found), ...found.sides.map(side),
      lost(found), make("h2", {}, "The same on the command line"), line);
    tell(`Compared ${data.frameworks.map(([, name]) => name).join(", ")} for ${found.subjects.length === 1
      ? "one wish" : `${found.subjects.length} wishes`}; the answer stands below.${odd}`);
  }

  const nameOf = (topic, id) => data.topics[topic].get(id).called[0] ?? id;

  function table({ subjects, sides }) {
    const heads = ["for", ...sides.map((one) => one.name)].map((text) => make("th", { scope: "col" }, text));
    const rows = subjects.map(([topic, id], at) => make("tr", {},
      make("th", { scope: "row" }, named(topic, id), " ", make("span", { className: "quiet" }, topic)),
      ...sides.map((one) => make("td", {}, pill(one.best[at].state)))));
    const made = make("table", {}, make("caption", {}, "The best state of each, by framework"),
      make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
    const scroll = make("div", { className: "scroll", tabIndex: 0 }, made);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "The best state of each, by framework");
    return make("div", { className: "table" }, scroll);
  }

  function named(topic, id) {
    const folder = { model: "models", dataset: "datasets" }[topic];
    const name = topic === "deploy" || topic === "language" || topic === "need" ? id : nameOf(topic, id);
    if (!folder || !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(id)) return name;
    return make("a", { href: `${root}${folder}/${id}/index.html` }, name);
  }

  function pill(state) {
    if (!(state in VERDICTS)) return make("span", { className: `status state-${state}` }, state);
    const sign = make("span", {}, VERDICTS[state]);
    sign.setAttribute("aria-hidden", "true");
    return make("span", { className: `pill pill-${state}` }, sign, ` ${state}`);
  }

  function side({ name, lines }) {
    const parts = data.parts.filter((part) => lines.some((line) => line.part === part));
    return make("section", { className: "side" }, make("h3", {}, name), ...parts.flatMap((part) => {
      const mine = lines.filter((line) => line.part === part);
      const subjects = [...new Set(mine.map((line) => `${line.topic} ${line.subject}`))];
      return [make("h4", {}, part), ...subjects.map((key) =>
        block(mine.filter((line) => `${line.topic} ${line.subject}` === key)))];
    }));
  }

  function block(lines) {
    const [{ topic, subject }] = lines;
    const list = (some) => make("ul", { className: "lines" }, ...some.map(item));
    const rest = lines.slice(SHOWN);
    return make("div", { className: "of" }, make("p", { className: "of-name" }, named(topic, subject)), list(lines.slice(0, SHOWN)),
      rest.length ? make("details", { className: "more" }, make("summary", {}, `${rest.length} more`), list(rest)) : null);
  }

  function item(line) {
    const rest = line.many - line.cites.length;
    const cites = line.cites.flatMap((one, at) => [at ? "; " : "", ...cited(one)]);
    return make("li", {}, pill(line.state), " ", line.says, " ", line.many ? make("span", { className: "quiet" }, "[", ...cites,
      rest > 0 ? `; and ${rest} more` : "", "]") : null);
  }

  function cited({ kind, id, page, day, to }) {
    const own = to ? make("a", { href: root + to }, kind === "observation" ? `observation ${id}` : id) : null;
    if (kind === "observation") return [own, `, measured ${day}`];
    const web = /^https?:\/\//.test(page);
    const where = web ? make("a", { href: page, rel: "noopener" }, page) : page;
    return [own, own ? ": " : "", where, day ? `, read ${day}` : ""];
  }

  function lost({ sides, givenUp }) {
    const items = sides.flatMap(({ framework, name }) => {
      const mine = givenUp.filter((one) => one.framework === framework);
      if (!mine.length) return [make("li", {}, make("strong", {}, name), ": nothing that is known of another")];
      return mine.map(({ topic, subject, here, there }) => make("li", {}, make("strong", {}, name), ": ",
        named(topic, subject), ": ", pill(here.state), " here; ", ...there.flatMap((line, at) => [at ? ", " : "", pill(line.state),
          ` in ${sides.find((one) => one.framework === line.framework).name}`, line.via ? ` (${line.via})` : ""])));
    });
    return make("section", {}, make("h2", {}, "Given up, as far as is known, by choosing"), make("ul", { className: "lines" }, ...items));
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.querySelectorAll("input[list]").forEach(typed);
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "checkbox") checked(event.target);
  });
  form.addEventListener("focusin", () => { prepare().catch(() => {}); });
  for (const input of form.querySelectorAll("input[list]")) {
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      typed(input);
    });
    // A name that was picked from the list is meant; one that is being typed may go on.
    input.addEventListener("input", (event) => {
      input.removeAttribute("aria-invalid");
      if (event.inputType === "insertReplacementText" || !(event instanceof InputEvent)) typed(input);
    });
  }
  document.getElementById("choose-clear").addEventListener("click", () => {
    for (const topic of TOPICS) asked[topic] = [];
    remember();
    draw();
  });
  addEventListener("popstate", recall);
  recall();
})();

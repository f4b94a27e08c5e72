// Find in the index of everything that is known: what `search.js` fetches when somebody means to
// search. Nothing here touches the page.
(() => {
  "use strict";
  const KINDS = ["model", "dataset", "tool", "source"];
  const PLURAL = { model: "models", dataset: "datasets", tool: "tools", source: "sources" };
  const NESTED = 3; // so many sources under each of so many first models
  const SLICE = 8; // milliseconds of indexing between which a key stroke is heard
  const MEASURED = new Set(["works", "differs", "flaky", "fails"]);
  const FACETS = ["kind", "known", "framework", "hub", "task"];
  const TIERS = { name: 4, alias: 4, family: 3, task: 2, source: 2, about: 1 };
  const BOOST = { name: 6, alias: 5, family: 3, task: 2, source: 3, about: 1 };
  const SMALL = new Set(("a an and any are as at be by can do for from have how i in into is it me my of on or "
    + "please some that the this to what which with").split(" "));

  // Addresses, by the rule of publish/site/paths.py.
  const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
  const escaped = (one) => [...new TextEncoder().encode(one)]
    .map((byte) => `~${byte.toString(16).padStart(2, "0")}`).join("");

  function segment(text) {
    if (/^[A-Za-z0-9_][A-Za-z0-9._-]*[A-Za-z0-9_-]$/.test(text) && !RESERVED.test(text)) return text;
    let made = [...text].map((one) => (/^[A-Za-z0-9._-]$/.test(one) ? one : escaped(one))).join("") || "~";
    if (".-".includes(made[0]) || RESERVED.test(made)) made = escaped(made[0]) + made.slice(1);
    return made.endsWith(".") ? made.slice(0, -1) + escaped(".") : made;
  }

  const folderOf = (hub, locator) =>
    `sources/${segment(hub)}/${locator.split("/").map(segment).join("/")}/`;

  // Words, as catalog/search_words.py takes a text apart.
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  const words = (text) => fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  const parts = (word) => word.replace(/(\p{L}{2,}?)(v?\d+)/gu, " $1 $2 ").trim().split(/ +/);
  const together = (text) => words(text).join("");

  function terms(text, field) {
    const found = [];
    for (const line of text.split("\n")) {
      const own = words(line);
      found.push(...own);
      if (field === "about") continue;
      for (const word of own) {
        const apart = /\d/.test(word) ? parts(word) : [];
        if (apart.length > 1) found.push(...apart);
      }
      own.slice(1).forEach((word, at) => found.push(own[at] + word));
      if (own.length > 2) found.push(own.join(""));
    }
    return found;
  }

  function asked(text) {
    const found = [...new Set(words(text))].slice(0, 12);
    const told = found.filter((word) => !SMALL.has(word));
    return told.length ? told : found;
  }

  // One thing that can be found, with the items that filters look at: a model has one of its own and
  // one for each of its sources. All that is filtered by must be true of one item.
  class Thing {
    constructor(facts) {
      Object.assign(this, { aliases: [], about: "", claims: [], models: [], other: "", sources: 0 }, facts);
    }

    get folder() {
      return this.at ?? (this.kind === "source" ? folderOf(this.hub, this.locator)
        : `${PLURAL[this.kind]}/${segment(this.id)}/`);
    }

    get called() {
      const tail = this.kind === "source" ? [this.locator, this.locator.split("/").pop()] : [];
      this.names ??= new Set([this.id, this.name, ...this.aliases, ...tail].map(together));
      return this.names;
    }

    // What it is worth among equals: that much hangs under it, that it was measured, that somebody wrote it down.
    get standing() {
      if (this.kind !== "source") return 1 + Math.log1p(this.sources) / 8;
      return (this.items[0].measured.length ? 2 : 1) * (this.catalogues.length ? 1 : 1.4);
    }
  }

  class Index {
    constructor(raw, MiniSearch) {
      this.raw = raw;
      this.done = false;
      this.handles = new Map();
      this.search = new MiniSearch({
        fields: Object.keys(TIERS), tokenize: terms, processTerm: (term) => term,
        searchOptions: { tokenize: asked, processTerm: (term) => term, boost: BOOST },
      });
      this.frameworks = raw.frameworks.map(([id]) => id);
      this.things = raw.entries.map((row) => this.#entry(row));
      this.count = this.things.length;
      this.total = this.count + raw.sources.locator.length;
      this.models = this.things.filter((thing) => thing.kind === "model");
    }

    #entry([kind, id, name, aliases, about, family, numbers, known, status]) {
      const results = kind === "model" ? this.#results(known) : [];
      const frameworks = kind === "model" ? [] : known.map((at) => this.frameworks[at]);
      const tasks = numbers.map((at) => this.raw.tasks[at]);
      return new Thing({ kind, id, name, aliases, about, family, tasks, results, status, frameworks,
        items: [item(tasks, frameworks, results)] });
    }

    #source(row) {
      const { raw } = this;
      const { sources } = raw;
      const set = (name, from) => sources.sets[name][sources[name][row]].map((at) => from[at]);
      const hub = raw.hubs[sources.hub[row]];
      const locator = sources.locator[row];
      const results = this.#results(sources.results[row] ?? []);
      const [models, tasks, claims] = [set("models", this.models), set("tasks", raw.tasks), set("claims", this.frameworks)];
      const own = item(tasks, claims, results, hub);
      const thing = new Thing({ kind: "source", id: `${hub}:${locator}`, name: `${hub}:${locator}`, hub, locator,
        models, tasks, claims, results, items: [own], at: sources.folders[row],
        other: sources.names[row] ?? "", catalogues: set("catalogues", raw.catalogues) });
      for (const model of models) {
        model.sources += 1;
        model.items.push(tasks.length ? own : { ...own, task: model.tasks });
      }
      for (const name of [fold(thing.id), fold(locator)]) {
        this.handles.set(name, [...(this.handles.get(name) ?? []), thing]);
      }
      return thing;
    }

    #results(pairs) {
      const found = [];
      for (let at = 0; at < pairs.length; at += 2) {
        found.push([this.frameworks[pairs[at]], this.raw.verdicts[pairs[at + 1]]]);
      }
      return found;
    }

    #document(id, thing) {
      const { raw } = this;
      if (thing.kind === "source") {
        return { id, source: `${thing.locator}\n${thing.other}`, family: thing.hub, task: thing.tasks.join("\n") };
      }
      const task = thing.tasks.map((name) =>
        `${name}\n${(raw.called[raw.tasks.indexOf(name)] ?? "").replaceAll(" ", "\n")}`).join("\n");
      const family = [thing.family ?? "", ...thing.frameworks].join("\n");
      return { id, name: `${thing.id}\n${thing.name}`, alias: thing.aliases.join("\n"), task, family, about: thing.about };
    }

    // Take all in by slices, so that nothing waits; `told` is called when the entries are in, and at the end.
    async fill(pause, told) {
      for (let at = 0; at < this.total;) {
        const until = performance.now() + SLICE;
        const last = at < this.count ? this.count : this.total;
        for (; at < last && performance.now() < until; at += 1) {
          if (at >= this.count) this.things.push(this.#source(at - this.count));
          this.search.add(this.#document(at, this.things[at]));
        }
        if (at === this.count) told();
        if (at < this.total) await pause();
      }
      this.done = true;
      told();
    }

    // A handle or an address of a hub, whole or with a revision or a file behind it.
    pasted(text) {
      if (!/[:/]/.test(text)) return [];
      const bare = text.trim().replace(/^https?:\/\/[^/\s]+\/?/i, "");
      const whole = fold(bare).split(/[@#?]/)[0].replace(/^\/+|\/+$/g, "")
        .replace(/%(25|40|23)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
      if (!whole || /\s/.test(whole)) return [];
      const steps = whole.split("/");
      const tries = [whole];
      for (const first of bare === text.trim() ? [0] : [0, 1]) {
        for (let last = steps.length; last >= first + 2; last -= 1) tries.push(steps.slice(first, last).join("/"));
      }
      tries.sort((a, b) => b.length - a.length);
      return this.handles.get(tries.find((name) => this.handles.has(name))) ?? [];
    }

    // Return all hits, best first, each with the words that it was found by.
    find(text) {
      if (!text.trim()) return this.things.map((thing) => hitOf(thing));
      const given = this.pasted(text);
      if (given.length) {
        const owners = [...new Set(given.flatMap((thing) => thing.models))];
        return [...given.map((thing) => ({ ...hitOf(thing), said: asked(text), pasted: true, exact: true })),
          ...owners.map((thing) => hitOf(thing))];
      }
      const wanted = asked(text);
      if (!wanted.length) return [];
      const found = this.#search(wanted);
      const cover = (hit) => new Set(hit.queryTerms).size / wanted.length;
      const least = found.some((hit) => cover(hit) === 1) ? 1 : 0.5;
      const whole = together(text);
      return found.filter((hit) => cover(hit) >= least).map((hit) => {
        const thing = this.things[hit.id];
        const exact = thing.called.has(whole);
        const rank = [Number(exact), cover(hit), tierOf(hit), hit.score * thing.standing];
        return { thing, said: hit.queryTerms, terms: hit.terms, exact, rank };
      }).sort(order);
    }

    // Words that nothing has or begins with are looked for with a slip.
    #search(wanted) {
      const look = (missing) => this.search.search(wanted.join(" "), {
        prefix: (term) => term.length > 1 || wanted.length === 1,
        fuzzy: (term) => missing.includes(term) && term.length > 3 && !/^\d+$/.test(term) && 0.2,
      });
      const found = look([]);
      const reached = new Set(found.flatMap((hit) => hit.queryTerms));
      const missing = wanted.filter((word) => !reached.has(word));
      return missing.length ? look(missing) : found;
    }
  }

  const hitOf = (thing) => ({ thing, said: [], terms: [], exact: false, rank: [] });

  // A name before a family, a family before a task, a task before a mention.
  function tierOf(hit) {
    return Math.max(...Object.values(hit.match).flat().map((field) => TIERS[field]));
  }

  function order(one, other) {
    for (let at = 0; at < one.rank.length; at += 1) {
      if (one.rank[at] !== other.rank[at]) return other.rank[at] - one.rank[at];
    }
    return 0;
  }

  function item(tasks, claims, results, hub) {
    const spoken = results.filter(([, [verdict]]) => verdict === "claimed").map(([name]) => name);
    const ran = results.filter(([, [verdict]]) => MEASURED.has(verdict)).map(([name]) => name);
    return { hub: hub ? [hub] : [], task: tasks, claimed: [...new Set([...claims, ...spoken])], measured: ran };
  }

  // What an item has of a facet, as far as the filters of framework and of what is known go together.
  function valuesOf(one, facet, filters) {
    if (facet === "known") {
      const fits = (names) => names.length
        && (!filters.framework.size || names.some((name) => filters.framework.has(name)));
      return ["measured", "claimed"].filter((known) => fits(one[known]));
    }
    if (facet !== "framework") return one[facet];
    const from = filters.known.size ? [...filters.known] : ["measured", "claimed"];
    return from.flatMap((known) => one[known] ?? []);
  }

  // Return a test of items by all filters but one.
  function passing(filters, but) {
    const used = FACETS.filter((facet) => facet !== "kind" && facet !== but && filters[facet].size);
    return (one) => used.every((facet) => valuesOf(one, facet, filters).some((value) => filters[facet].has(value)));
  }

  function kept(hits, filters) {
    const passes = passing(filters, null);
    return hits.filter(({ thing }) => (!filters.kind.size || filters.kind.has(thing.kind)) && thing.items.some(passes));
  }

  // How many hits have each value of a facet, with all other filters applied.
  function counted(hits, filters, facet) {
    const counts = new Map();
    const passes = passing(filters, facet);
    for (const { thing } of hits) {
      if (facet !== "kind" && filters.kind.size && !filters.kind.has(thing.kind)) continue;
      const found = new Set();
      for (const one of thing.items) {
        if (!passes(one)) continue;
        for (const value of facet === "kind" ? [thing.kind] : valuesOf(one, facet, filters)) found.add(value);
      }
      for (const value of found) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  }

  // Models first, unless something of another kind is called just so; a few sources under a model.
  function grouped(hits) {
    const groups = new Map(KINDS.map((kind) => [kind, []]));
    for (const hit of hits) groups.get(hit.thing.kind).push(hit);
    const under = new Map();
    const taken = new Set();
    if (!hits.some((hit) => hit.pasted)) {
      for (const hit of groups.get("model").slice(0, NESTED)) {
        const mine = groups.get("source").filter((one) => one.thing.models.includes(hit.thing) && !taken.has(one));
        mine.slice(0, NESTED).forEach((one) => taken.add(one));
        under.set(hit.thing, mine.slice(0, NESTED));
      }
    }
    const exact = KINDS.find((kind) => groups.get(kind).some((hit) => hit.exact));
    const kinds = exact ? [exact, ...KINDS.filter((kind) => kind !== exact)] : KINDS;
    return kinds.map((kind) => ({ kind, all: groups.get(kind).length, under,
      hits: groups.get(kind).filter((hit) => !taken.has(hit)) })).filter((group) => group.hits.length);
  }

  const api = { Index, asked, counted, fold, folderOf, grouped, kept, segment, terms, words, together, FACETS, KINDS, PLURAL };
  if (typeof module === "undefined") globalThis.caniloadFind = api;
  else module.exports = api;
})();

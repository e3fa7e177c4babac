// The grid, the pools, the schedules, the events, the actions; and the question before an action.

let EVENTS = null;
function events() {
  EVENTS ??= api("/events");
  return EVENTS;
}

/** Asks once more, and then has it done. `value` is JSON as it was typed, so that no digit is lost. */
function act(key, label, says, body, value) {
  const dialog = document.getElementById("dialog");
  // What opened it may be drawn again meanwhile.
  const refocus = focusIn(MAIN);
  dialog.onclose = () => refocus?.();
  const name = h("input", { id: "by", value: localStorage.getItem("by") ?? "", autocomplete: "name", required: true });
  const wrong = h("p", { class: "problem", role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    if (!INFO.caller) localStorage.setItem("by", name.value);
    const rest = JSON.stringify({ ...body, confirm: key, by: name.value || undefined });
    const text = value === undefined ? rest : `${rest.slice(0, -1)},"value":${value}}`;
    try {
      await api(`${runPath(key)}/actions`, null, { method: "POST", headers: { "content-type": "application/json" }, body: text });
      dialog.close();
      VIEW?.changed?.({ runs: [key], more: true });
    } catch (error) { wrong.textContent = error.message; }
  };
  fill(dialog, h("form", { submit: send },
    h("h2", { id: "dialog-title" }, `${label}?`), h("p", null, h("b", null, key)), h("p", null, says),
    INFO.caller ? h("p", { class: "muted" }, `It is recorded that ${INFO.caller} did it.`)
      : h("p", null, h("label", { for: "by" }, "Your name, for the record "), name),
    wrong,
    h("p", { class: "buttons" },
      h("button", { id: "confirm", class: "main" }, `Yes, ${label.charAt(0).toLowerCase()}${label.slice(1)}`),
      h("button", { type: "button", id: "dismiss", click: () => dialog.close() }, "No"))));
  dialog.showModal();
}

function gridView(query) {
  const pipeline = query.get("pipeline") ?? "";
  const input = h("input", { id: "grid-pipeline", type: "search", value: pipeline, list: "pipelines" });
  const names = h("datalist", { id: "pipelines" });
  const grid = h("div", { class: "scroll" });
  fill(MAIN, h("h1", null, "Grid"),
    h("form", { class: "filters", submit: (event) => { event.preventDefault(); location.hash = `#/grid?pipeline=${encodeURIComponent(input.value)}`; } },
      h("label", null, "Pipeline ", input), names, h("button", null, "Show")), grid);
  async function load() {
    try {
      let wanted = pipeline;
      const runs = (await api("/runs", { limit: 200 })).runs;
      const known = [...new Set(runs.map((run) => run.pipeline))];
      fill(names, known.map((value) => h("option", { value })));
      if (!wanted) wanted = input.value = known[0] ?? "";
      if (!wanted) return fill(grid, h("p", { class: "muted" }, "There are no runs."));
      const { steps, runs: columns } = await api("/grid", { pipeline: wanted });
      const most = steps.map((_, place) => Math.max(...columns.map((run) => run.cells[place]?.seconds ?? 0)));
      const cell = (run, place) => {
        const it = run.cells[place];
        if (!it) return h("td", null, h("span", { class: "cell is-none" }));
        const slow = it.seconds > 0.001 && columns.length > 2 && it.seconds === most[place] && it.seconds > 2 * median(columns.map((other) => other.cells[place]?.seconds ?? 0));
        const says = `${steps[place]}: ${word(it.outcome)}, ${plural(it.attempts, "attempt")}, ${short(it.seconds * 1e6)}`;
        return h("td", null, h("a", { class: `cell is-${it.outcome}`, href: runLink(run.key, steps[place]), title: says, "aria-label": says },
          it.attempts > 1 ? String(Math.min(it.attempts, 999)) : "", slow ? "!" : ""));
      };
      fill(grid, h("table", { class: "grid" },
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Step"), columns.map((run) =>
          h("th", { scope: "col" }, h("a", { href: runLink(run.key), title: `${run.key}, ${date(run.started)}`, "aria-label": run.key }, h("i", { class: `dot is-${run.status}` })))), h("th", { scope: "col" }, "Median"))),
        h("tbody", null, steps.map((path, place) => h("tr", null, h("th", { scope: "row", title: path }, path), columns.map((run) => cell(run, place)),
          h("td", { class: "number" }, short(median(columns.map((run) => run.cells[place]?.seconds ?? 0)) * 1e6)))))),
        h("p", { class: "muted" }, "The last run is on the left. A number says how many attempts there were, and ! which run was slowest by far."));
    } catch (error) { fill(grid, problem(error)); }
  }
  const reload = paced(load, 3000);
  reload();
  return { changed: reload };
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A view of one table, which is asked for again when something changes. */
function tableView(title, path, draw) {
  const body = h("div");
  fill(MAIN, h("h1", null, title), body);
  const reload = paced(async () => {
    try { fill(body, draw(await api(path))); } catch (error) { fill(body, problem(error)); }
  }, 1000);
  reload();
  return { changed: reload };
}

const or = (value, none) => value ?? h("span", { class: "muted" }, none);
const seconds = (value) => (value === null ? null : short(value * 1e6));

const hintLines = ({ name, hints }) => hints.map((hint) => h("p", { class: "hint" }, h("b", null, `${name}: `), hint.text));

function poolsView() {
  return tableView("Pools", "/pools", (pools) => [
    pools.map(hintLines),
    table(["Pool", "Workers", "Running now", "Waiting", "Workers lost", "Events"], pools.map((it) => [
      it.name, or(it.workers, ""),
      it.workers && it.running >= it.workers ? h("b", null, `${it.running}, all are busy`) : String(it.running),
      it.queued ? [String(it.queued), h("span", { class: "muted" }, " since "), time(it.queued_since)] : "0",
      String(it.lost), [...it.events].join(", ")]),
    "No event is linked into this program."),
    h("p", { class: "muted" }, "A pool begins with the first attempt that it is given. What is counted is of this process, since it began.")]);
}

function schedulesView() {
  return tableView("Schedules", "/schedules", (all) => [
    all.map(hintLines),
    table(["Schedule", "State", "Last run", "Next", "Left out"], all.map((it) => [
      it.name, it.paused ? "paused" : "active",
      it.last && [h("a", { href: runLink(it.last.key) }, time(it.last.started)), " ", badge(it.last.status)],
      it.next.length ? it.next.map((next) => h("div", { class: "time" }, next)) : h("span", { class: "muted" }, "never again"),
      [String(it.misfires), it.last_misfire && h("div", { class: "muted" }, it.last_misfire)]]),
    INFO.schedules ? "This program has no schedules." : "This dashboard is not told of schedules.")]);
}

function eventsView() {
  return tableView("Events", "/events", (all) => table(["Event", "Takes", "Yields", "Runs", "Timeout", "Retries", "At worst"], all.map((it) => [
    h("span", { title: it.place }, h("b", null, it.name), it.version > 1 ? ` version ${it.version}` : ""),
    it.parameters.map((one) => h("div", null, h("code", null, `${one.name}: ${one.type}`))), h("code", null, it.output),
    [or(it.executor, "on the run's thread"), it.workers ? `, ${plural(it.workers, "worker")}` : ""],
    or(seconds(it.timeout_seconds), "none"), or(it.retries, "none"), or(seconds(it.worst_seconds), "")]),
  "No event is linked into this program."));
}

function actionsView() {
  return tableView("Actions", "/actions", (all) => [
    table(["When", "Who", "What", "Run or schedule", "What stood in the way"], all.map((it) => [
      time(it.at), it.by, `${it.action}${it.step ? " " + it.step : ""}`, h("a", { href: runLink(it.key) }, it.key),
      it.error && h("span", { class: "problem" }, it.error)]), "Nobody has done anything that the store says."),
  ]);
}

// One run: its picture, its steps on a timeline, and what can be done to it.

const STEPS = 200; // so many rows at a time

function runView(key, query) {
  let selected = query.get("step");
  let follows = true; // whether the timeline still has to show the chosen step
  let from = 0, text = "", only = ""; // which steps the timeline shows
  let firstAttempt = 0, chosen = null; // of the chosen step: which of its attempts are shown, its place in the flow
  let view = null; // the stretch of time that is shown, if it is not all of it
  let loads = 0, asked = 0; // asked: when it asked last
  let shown = { run: null, steps: null, facts: null, drawn: "", pending: "" };
  const head = h("div"), hints = h("div"), pending = h("div"), buttons = h("p", { class: "buttons" });
  const picture = h("div", { class: "picture", id: "picture" });
  const lanes = h("div", { class: "lanes" }), paging = h("p", { class: "paging" });
  const finder = finding();
  const detail = h("aside", { "aria-label": "The chosen step", tabindex: "-1" });
  const inputs = h("div");
  const toDetail = h("a", { class: "skip", href: "#", click: (event) => { event.preventDefault(); detail.focus(); } }, "Skip to the chosen step");
  fill(MAIN, head, hints, buttons, pending,
    h("div", { class: "split" },
      h("div", { class: "wide" },
        h("h2", null, "Flow"), picture,
        h("h2", null, "Timeline"), toDetail, finder, zoomButtons(), lanes, paging,
        h("h2", null, "Inputs"), inputs),
      detail));

  /** Shows the run as it is now. Of one that has ended nothing is asked again, unless it is `wanted`. */
  async function load(wanted = true) {
    let run, page, load;
    asked = Date.now();
    try {
      run = await api(runPath(key));
      const facts = JSON.stringify([run.ended, run.records, run.hints]);
      if (!wanted && run.ended && facts === shown.facts) return;
      shown.facts = facts;
      load = ++loads;
      page = await api(`${runPath(key)}/steps`, { from, limit: STEPS, text, only });
    } catch (error) {
      shown.facts = null;
      return fill(head, h("h1", null, key), problem(error));
    }
    if (load !== loads) return; // somebody has gone to other steps meanwhile
    shown.run = run; shown.steps = page;
    drawHead(run);
    drawButtons(run);
    drawPending(run);
    fill(hints, run.hints.map((hint) => h("p", { class: "hint" }, h("b", null, "Hint: "),
      hint.step && [h("a", { href: runLink(key, hint.step) }, hint.step), " "], hint.text)));
    const cut = run.inputs.bytes > run.inputs.text.length ? h("p", { class: "muted" }, `the beginning of ${plural(run.inputs.bytes, "byte")}`) : null;
    fill(inputs, pre(run.inputs.text), cut);
    finder.hidden = run.steps <= STEPS;
    drawLanes();
    await drawPicture(run);
    if (selected) await drawDetail();
    else fill(detail, h("p", { class: "muted" }, "Choose a step in the picture or on the timeline."));
  }

  function drawHead(run) {
    const until = run.ended ?? run.now;
    const facts = [
      run.pipeline, ", began ", time(run.started),
      run.ended ? `, took ${short(until - run.started)}` : `, ${short(until - run.started)} ago`,
      `, ${plural(run.steps, "step")}, ${plural(run.records, "record")}`,
      run.parent && [", inside of ", h("a", { href: runLink(run.parent) }, run.parent)],
    ];
    const halted = { request: "cancelled", parent: "cancelled with the run around it", timeout: "its time was over" };
    document.title = `${key} - nexus`;
    fill(head,
      h("h1", null, key, " ", badge(run.status), run.active && h("span", { class: "live" }, "under way")),
      h("p", { class: "muted" }, facts),
      run.deadline && !run.ended && h("p", { class: "muted" }, "its time is over ", time(run.deadline)),
      run.halted && h("p", { class: "muted" }, halted[run.halted.by], " ", time(run.halted.at)),
      run.revisions.map((it) => h("p", { class: "muted" }, `${it.kind} `, time(it.at))),
      run.actions.map((it) => h("p", { class: "muted done-by" }, `${it.by}: ${it.action}${it.step ? " " + it.step : ""} `, time(it.at), it.error && [", ", h("span", { class: "problem" }, it.error)])),
      run.reason && h("p", { class: "problem" }, run.reason),
      h("p", null, h("a", { href: `#/?parent=${encodeURIComponent(key)}` }, "Runs inside of it"), " · ",
        h("a", { href: `#/grid?pipeline=${encodeURIComponent(run.pipeline)}` }, "Its pipeline's grid")));
  }

  function drawButtons(run) {
    const all = [];
    const button = (name, label, body, says) => all.push(h("button", {
      type: "button", id: `act-${name}`, click: () => act(key, label, says, body), class: name === "cancel" ? "danger" : "",
    }, label));
    const is = (...states) => states.includes(run.status);
    if (is("unfinished", "needs_decision")) button("cancel", "Cancel", { action: "cancel" }, "What runs is told to end, and nothing more begins. It can be tried again later.");
    if (is("failed", "stopped", "cancelled", "timed_out")) button("retry", "Retry from what failed", { action: "retry" }, "What failed is done again, and what comes after it. What succeeded stays as it is.");
    if (is("needs_decision")) {
      button("adopt", "Adopt the flow of today", { action: "adopt" }, "The run goes on with the flow of today, and what is recorded stands.");
      button("restart", "Restart", { action: "restart" }, "The run begins again with the same inputs. What it has done is done again.");
      button("abandon", "Abandon", { action: "abandon" }, "The run ends where it is.");
    }
    fill(buttons, INFO.actions ? all : all.length ? h("span", { class: "muted" }, "Actions are off on this dashboard.") : null);
  }

  function drawPending(run) {
    // Whoever types a value is not to lose it.
    const now = JSON.stringify(run.pending);
    if (now === shown.pending) return;
    shown.pending = now;
    fill(pending, run.pending.map((it, index) => {
      const value = h("textarea", { id: `value-${index}`, rows: 2, spellcheck: "false", placeholder: "JSON" });
      const wrong = h("p", { class: "problem", role: "alert" });
      const send = () => {
        try { JSON.parse(value.value); } catch (error) { wrong.textContent = `that is no JSON: ${error.message}`; return; }
        wrong.textContent = "";
        act(key, `Resolve ${it.step}`, `The step yields ${value.value}, and the run goes on with it.`, { action: "resolve", step: it.step }, value.value);
      };
      const fail = () => {
        act(key, `Fail ${it.step}`, "What the step waited for has failed: an exception, which its retry policy may try again.", { action: "fail", step: it.step, message: value.value || "failed by hand" });
      };
      return h("section", { class: "pending" },
        h("p", null, h("b", null, it.step), ` waits for the world outside since `, time(it.since), `, for a value of the type `, h("code", null, it.output)),
        INFO.actions && [h("label", { for: `value-${index}` }, "Value, or why it failed"), value, wrong,
          h("p", { class: "buttons" }, h("button", { type: "button", click: send }, "Resolve"), h("button", { type: "button", class: "danger", click: fail }, "Fail"))]);
    }));
  }

  async function drawPicture(run) {
    const state = `${run.records} ${run.status}`;
    if (shown.drawn !== state) {
      let svg;
      try { svg = await api(`${runPath(key)}/picture`); } catch (error) { shown.facts = null; return fill(picture, problem(error)); }
      shown.drawn = state;
      const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
      fill(picture, document.importNode(drawn, true));
      for (const node of picture.querySelectorAll("[data-step]")) {
        node.setAttribute("tabindex", "0");
        node.setAttribute("role", "button");
        node.id = `node-${node.dataset.step}`;
        const choose = () => chooseIndex(Number(node.dataset.step));
        node.addEventListener("click", choose);
        node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } });
      }
    }
    const now = new Map();
    for (const it of run.activity) now.set(it.index, it.until ? "waits" : now.get(it.index) ?? "runs");
    for (const it of run.pending) now.set(it.index, "waits");
    for (const node of picture.querySelectorAll("[data-step]")) {
      const index = Number(node.dataset.step);
      node.classList.toggle("runs", now.get(index) === "runs");
      node.classList.toggle("waits", now.get(index) === "waits");
      node.classList.toggle("chosen", selected !== null && index === chosen);
    }
  }

  async function chooseIndex(index) {
    const known = shown.steps.steps.find((it) => it.index === index);
    const step = known ?? (await api(`${runPath(key)}/steps`, { from: index, limit: 1 })).steps[0];
    choose(step.path);
  }

  function choose(path) {
    [selected, chosen, follows, firstAttempt] = [path, null, true, 0];
    history.replaceState(null, "", runLink(key, path));
    drawLanes();
    drawDetail();
  }

  function go(to) {
    from = Math.max(0, to);
    load();
  }

  /** What finds a step among thousands. */
  function finding() {
    const number = h("input", { id: "steps-from", type: "number", min: 1, change: () => go((Number(number.value) || 1) - 1) });
    const kinds = [["", "all steps"], ["failed", "those that failed"], ["active", "those under way"]];
    return h("form", { class: "filters", hidden: true, submit: (event) => event.preventDefault() },
      h("label", null, "Step contains ", h("input", { id: "steps-text", type: "search", change: (event) => { text = event.target.value; go(0); } })),
      h("label", null, "Show ", h("select", { id: "steps-only", change: (event) => { only = event.target.value; go(0); } },
        kinds.map(([value, label]) => h("option", { value }, label)))),
      h("label", null, "From number ", number));
  }

  function span() {
    const run = shown.run;
    const all = [run.started, Math.max(run.ended ?? run.now, run.started + 1)];
    return view ? [Math.max(view[0], all[0]), Math.min(view[1], all[1])] : all;
  }

  function zoomButtons() {
    const move = (scale, shift) => () => {
      if (!shown.run) return;
      const [begin, end] = span(), width = (end - begin) * scale, middle = (begin + end) / 2 + (end - begin) * shift;
      const last = shown.run.ended ?? shown.run.now;
      const left = Math.max(shown.run.started, Math.min(middle - width / 2, last - width));
      view = width >= last - shown.run.started ? null : [left, left + Math.max(width, 20)];
      drawLanes();
    };
    const button = (id, label, title, work) => h("button", { type: "button", id, title, "aria-label": title, click: work }, label);
    return h("p", { class: "buttons" },
      button("zoom-in", "+", "Zoom in", move(0.5, 0)), button("zoom-out", "−", "Zoom out", move(2, 0)),
      button("zoom-left", "←", "Earlier", move(1, -0.4)), button("zoom-right", "→", "Later", move(1, 0.4)),
      button("zoom-all", "All", "The whole run", () => { view = null; drawLanes(); }));
  }

  function drawLanes() {
    const { run, steps } = shown, [begin, end] = span();
    const active = new Map();
    for (const it of run.activity) (active.get(it.path) ?? active.set(it.path, []).get(it.path)).push(it);
    const x = (at) => Math.max(-10, Math.min(1010, (1000 * (at - begin)) / (end - begin)));
    const rows = steps.steps.map((step) => {
      const bars = [];
      const bar = (a, b, name, high) => {
        if (b < begin || a > end) return;
        const left = x(a), width = Math.max(x(b) - left, 2);
        bars.push(h("rect", { x: left, y: high ? 2 : 6, width, height: high ? 12 : 4, class: `bar-${name}` }));
      };
      for (const [a, b] of step.waits) bar(a, b, "wait", false);
      for (const [a, b, name] of step.bars) bar(a, name === "pending" && !run.ended ? run.now : b, name, true);
      const running = active.get(step.path) ?? [];
      for (const it of running) {
        if (it.until) bar(it.since, it.until, "wait", false);
        else bar(it.since, run.now, "running", true);
      }
      const done = running.find((it) => it.total);
      let state = step.outcome;
      if (running.some((it) => !it.until)) state = "running";
      else if (running.length) state = "retrying";
      else if (run.queued.some((it) => it.path === step.path)) state = "queued";
      const items = step.items;
      const says = items ? `${(items.succeeded + items.failed + items.bypassed).toLocaleString("en")} items${items.failed ? `, ${items.failed} failed` : ""}`
        : done ? `${done.done} of ${done.total}` : step.attempts > 1 ? `${step.attempts} attempts` : "";
      const depth = Math.min(step.path.split("/").length - 1, 8);
      return h("button", {
        type: "button", class: "lane", id: `lane-${step.index}`, "aria-pressed": String(step.path === selected), click: () => choose(step.path),
        title: step.reason ?? step.path,
      },
      h("span", { class: `lane-name depth-${depth}` }, h("i", { class: `dot is-${state}` }), step.event,
        /#\d+$/.test(step.path) && h("span", { class: "muted" }, step.path.slice(step.path.lastIndexOf("#"))), items && h("span", { class: "muted" }, " ×")),
      h("span", { class: "lane-state" }, word(state), says && h("span", { class: "muted" }, ` ${says}`)),
      h("svg", { viewBox: "0 0 1000 16", preserveAspectRatio: "none", class: "lane-bars", "aria-hidden": "true" }, bars));
    });
    const scale = h("div", { class: "scale" }, h("span", null, short(begin - run.started)), h("span", null, short((begin + end) / 2 - run.started)), h("span", null, short(end - run.started)));
    fill(lanes, scale, rows);
    const move = (id, label, to, disabled) => h("button", { type: "button", id, disabled, click: () => go(to) }, label);
    const last = steps.total - ((steps.total - 1) % STEPS) - 1, first = steps.from, next = first + STEPS;
    fill(paging, (steps.total > STEPS || text || only) && [
      move("steps-first", "First", 0, first === 0), move("steps-before", "Steps before", first - STEPS, first === 0),
      steps.steps.length ? ` ${(first + 1).toLocaleString("en")} to ${(first + steps.steps.length).toLocaleString("en")} of ${steps.total.toLocaleString("en")} ` : " No step is like that. ",
      move("steps-after", "Steps after", next, next >= steps.total), move("steps-last", "Last", last, next >= steps.total)]);
  }

  async function drawDetail() {
    const first = firstAttempt;
    let step;
    try { step = await api(`${runPath(key)}/step`, { path: selected, from: first }); } catch (error) { shown.facts = null; return fill(detail, problem(error)); }
    if (step.path !== selected) return; // somebody has chosen another one meanwhile
    chosen = step.index;
    drawPicture(shown.run);
    if (follows && !text && !only && !shown.steps.steps.some((it) => it.index === chosen)) go(chosen - (chosen % STEPS));
    follows = false;
    const running = shown.run.activity.filter((it) => it.path === selected);
    const event = (await events()).find((it) => it.name === step.event);
    const fields = parsed(shown.run.inputs.text);
    const from = { field: "a field", piped: "along the arrow", state: "of the engine", context: "the run" };
    const parameters = event?.parameters.map((it) => [h("code", null, `${it.name}: ${it.type}`), from[it.from],
      it.from === "field" && fields && it.name in fields ? pre(JSON.stringify(fields[it.name])) : null]);
    const close = h("button", { type: "button", id: "close-step", "aria-label": "Close", click: () => {
      selected = chosen = null; history.replaceState(null, "", runLink(key)); load();
    } }, "×");
    const again = INFO.actions && ["succeeded", "failed", "stopped", "cancelled", "timed_out"].includes(shown.run.status) && step.outcome !== "not_run" &&
      h("p", { class: "buttons" }, h("button", { type: "button", id: "act-from", click: () => act(key, `Retry from ${step.path}`,
        "This step and all that comes after it are done again, whether or not they succeeded.", { action: "retry", step: step.path }) }, "Retry from here"));
    const queued = shown.run.queued.filter((it) => it.path === selected).map((it) => h("p", null, `${plural(it.attempts, "attempt")} wait${it.attempts === 1 ? "s" : ""} for ${it.pool}, which has ${plural(it.workers, "worker")}`));
    const next = running.filter((it) => it.until).map((it) => h("p", null, "attempt ", String(it.attempt + 1), item(it), " begins ", time(it.until)));
    const now = running.filter((it) => !it.until).slice(0, 20).map((it) => h("p", null, `attempt ${it.attempt}`, item(it), ` runs for ${short(shown.run.now - it.since)}`, it.total ? `, ${it.done} of ${it.total} done` : ""));
    const log = INFO.logs ? await api(`${runPath(key)}/logs`, { path: selected }) : [];
    if (step.path !== selected) return;
    // Each line stands with the last attempt of its number and item that had begun; the rest, at the end.
    const lines = new Map(step.history.map((it) => [it, []])), rest = [];
    for (const line of log) {
      const own = step.history.filter((it) => it.attempt === line.attempt && it.item === line.item && it.from <= line.at);
      (lines.get(own.at(-1)) ?? rest).push(line);
    }
    const logged = (those) => those.length > 0 && h("pre", { class: "log", tabindex: "0" }, those.map((it) => `${date(it.at)} ${it.level} ${it.text}\n`));
    fill(detail,
      h("h2", null, step.event, " ", badge(step.outcome), close),
      h("p", { class: "muted" }, step.path, `, version ${step.version}, yields `, h("code", null, step.output)),
      now, queued, next, again,
      step.items && h("p", null, `${step.items.succeeded} succeeded, ${step.items.failed} failed, ${step.items.bypassed} bypassed`),
      parameters?.length ? [h("h3", null, "Takes"), table(["Parameter", "From", "Value"], parameters, "")] : null,
      step.value && [h("h3", null, "Yielded"), pre(step.value.text), step.value.bytes > step.value.text.length && h("p", { class: "muted" }, `the beginning of ${plural(step.value.bytes, "byte")}`)],
      h("h3", null, step.items ? "Items without success" : "Attempts"),
      step.history.map((it) => h("section", { class: "attempt" },
        h("p", null, badge(it.outcome), ` attempt ${it.attempt}`, item(it), ", ", time(it.from), `, ${short(it.to - it.from)}`),
        it.errors.length > 0 && h("ol", { class: "errors" }, it.errors.map((error, index) => h("li", null, index ? "caused by: " : "", error))),
        logged(lines.get(it)))),
      !step.history.length && h("p", { class: "muted" }, step.items ? "None." : "None has ended."),
      rest.length > 0 && [h("h3", null, "Log"), logged(rest)],
      h("p", { class: "paging" },
        first > 0 && h("button", { type: "button", id: "first-attempts", click: () => { firstAttempt = 0; drawDetail(); } }, "The first ones"),
        step.kept > first + step.history.length && h("button", { type: "button", id: "more-attempts", click: () => { firstAttempt = first + step.history.length; drawDetail(); } }, `${step.kept - first - step.history.length} more`)));
  }

  const item = (it) => (it.item === null ? "" : ` of item ${it.item}`);
  const reload = paced(() => load(false), 500);
  reload();
  // Time goes by, and another process may do the run: of both there is no news.
  const timer = setInterval(() => { if (shown.run && !shown.run.ended && Date.now() - asked > 1500) reload(); }, 2000);
  return {
    changed: (news) => { if (news.more || news.runs.includes(key)) reload(); },
    moved: (other) => { const step = other.get("step"); if (step && step !== selected) choose(step); },
    left: () => clearInterval(timer),
  };
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

/** JSON laid out for people, or the text as it is. */
function pre(text) {
  const value = parsed(text);
  return h("pre", { tabindex: "0" }, value === null ? text : JSON.stringify(value, null, 2));
}

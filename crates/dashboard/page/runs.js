// The table of runs.

const FAILED = "failed,stopped,timed_out,needs_decision,damaged";
const TIMES = [["", "at any time"], [3600, "in the last hour"], [86400, "in the last day"], [604800, "in the last week"]];

function runsView(query) {
  const filter = Object.fromEntries(query);
  const pages = []; // where the pages before this one began
  let after = "";
  const counts = h("div", { class: "chips", role: "group", "aria-label": "By status" });
  const rows = h("div");
  const paging = h("p", { class: "paging" });
  const go = (change) => {
    const next = new URLSearchParams(Object.entries({ ...filter, ...change }).filter(([, value]) => value !== ""));
    location.hash = `#/${next.size ? "?" + next : ""}`;
  };
  const wanted = () => ({
    status: filter.status, pipeline: filter.pipeline, key: filter.key, parent: filter.parent,
    since: filter.within ? (Date.now() - filter.within * 1000) * 1000 : "",
  });
  const text = (name, label) => h("label", null, label, " ", h("input", {
    id: `filter-${name}`, type: "search", value: filter[name] ?? "", change: (event) => go({ [name]: event.target.value }),
  }));
  const form = h("form", { class: "filters", submit: (event) => { event.preventDefault(); document.activeElement?.blur(); } },
    text("key", "Key begins with"),
    text("pipeline", "Pipeline"),
    h("label", null, "Began ", h("select", { id: "filter-within", change: (event) => go({ within: event.target.value }) },
      TIMES.map(([value, label]) => h("option", { value, selected: String(value) === (filter.within ?? "") }, label)))),
    h("label", null, h("input", { id: "only-failed", type: "checkbox", checked: filter.status === FAILED,
      change: (event) => go({ status: event.target.checked ? FAILED : "" }) }), " Only failed"),
  );
  fill(MAIN, h("h1", null, "Runs"), form, counts, rows, paging);

  async function load() {
    try {
      const [page, all] = await Promise.all([
        api("/runs", { ...wanted(), after }),
        api("/counts", { ...wanted(), status: "" }),
      ]);
      const chip = (label, count, status) => h("button", {
        type: "button", id: `chip-${status}`, "aria-pressed": String((filter.status ?? "") === status), click: () => go({ status }),
      }, `${label} `, h("b", null, count.toLocaleString("en")));
      fill(counts, chip("all", all.total, ""), all.states.map((it) => chip(word(it.status), it.count, it.status)));
      fill(rows, table(["Key", "Pipeline", "Status", "Began", "Took", "Records"], page.runs.map((run) => [
        h("a", { href: runLink(run.key), id: `run-${run.key}` }, run.key),
        run.pipeline,
        [badge(run.status), run.active && h("span", { class: "muted" }, " under way")],
        time(run.started),
        run.ended ? short(run.ended - run.started) : h("span", { class: "muted" }, `${short(Date.now() * 1000 - run.started)} so far`),
        run.records.toLocaleString("en"),
      ]), "No run is like that.", { class: "runs" }));
      const move = (id, label, work, disabled) => h("button", { type: "button", id, click: work, disabled }, label);
      fill(paging,
        move("newer", "Newer", () => { after = pages.pop(); load(); }, !pages.length),
        move("older", "Older", () => { pages.push(after); after = page.next; load(); }, !page.next));
    } catch (error) {
      fill(rows, problem(error));
    }
  }
  const reload = paced(load, 1000);
  reload();
  // Older pages stand still while somebody reads them.
  return { changed: () => { if (!pages.length || rows.querySelector("[data-again]")) reload(); } };
}

// Which view is shown, what is new, and light or dark.

let INFO = { actions: false, live: false, caller: null };
let VIEW = null;
let SHOWN = null;

function show() {
  const [path, query] = location.hash.slice(1).split("?");
  const parameters = new URLSearchParams(query ?? "");
  const [, name, key] = path.split("/");
  const place = name === "run" ? path : location.hash;
  if (place === SHOWN && VIEW?.moved) return VIEW.moved(parameters);
  SHOWN = place;
  VIEW?.left?.();
  document.title = "nexus";
  for (const link of document.querySelectorAll("nav a")) {
    const is = link.getAttribute("href") === `#/${name === "run" ? "" : name ?? ""}`;
    if (is) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const views = { grid: gridView, pools: poolsView, schedules: schedulesView, events: eventsView, actions: actionsView };
  if (name === "run") VIEW = runView(decodeURIComponent(key ?? ""), parameters);
  else VIEW = (views[name] ?? runsView)(parameters);
}

/** Hears the news while somebody sees the page. Who comes back to it is shown what there is then. */
function listen(isBack) {
  const state = document.getElementById("state");
  const say = (text) => { state.textContent = text; };
  const all = () => VIEW?.changed?.({ runs: [], more: true });
  if (!INFO.live) {
    say("looks every 5 s");
    setInterval(all, 5000);
    return;
  }
  if (document.hidden) {
    say("waits until it is seen");
    document.addEventListener("visibilitychange", () => listen(true), { once: true });
    return;
  }
  const source = new EventSource(`${BASE}/api/v1/live`);
  const left = () => { source.close(); listen(); };
  document.addEventListener("visibilitychange", left, { once: true });
  source.onopen = () => { say("live"); if (isBack) all(); };
  source.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.more || news.runs.length) VIEW?.changed?.(news);
  };
  source.onerror = () => {
    say("not connected");
    // The browser tries again by itself, except where the server has said no.
    if (source.readyState !== EventSource.CLOSED) return;
    document.removeEventListener("visibilitychange", left);
    setTimeout(() => listen(true), 5000);
  };
}

function paint(theme) {
  document.documentElement.className = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

const preferred = matchMedia("(prefers-color-scheme: dark)");
const chosen = () => localStorage.getItem("theme") ?? (preferred.matches ? "dark" : "light");
preferred.addEventListener("change", () => paint(chosen()));
document.getElementById("theme").addEventListener("click", () => {
  localStorage.setItem("theme", chosen() === "dark" ? "light" : "dark");
  paint(chosen());
});
paint(chosen());

// The part of the address behind `#` says which view is shown.
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); MAIN.focus(); });

(async () => {
  try { INFO = await api("/info"); } catch (error) { fill(MAIN, problem(error)); }
  addEventListener("hashchange", show);
  setInterval(() => { if (MAIN.querySelector("[data-again]")) VIEW?.changed?.({ runs: [], more: true }); }, 2000);
  show();
  listen();
})();

"use strict";
// What all views use. Texts of users only ever become text nodes.

const BASE = document.body.dataset.base;
const MAIN = document.getElementById("main");

/** Makes an element. Members of `props` that are functions listen; others are attributes. */
function h(tag, props, ...children) {
  const svg = tag === "svg" || tag === "rect" || tag === "line";
  const it = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") it.addEventListener(name, value);
    else if (value === true) it.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) it.setAttribute(name, value);
  }
  it.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return it;
}

/** Replaces what is in an element, and leaves the keyboard's focus where it was. */
function fill(element, ...children) {
  const refocus = focusIn(element);
  const scrolled = [element.scrollLeft, element.scrollTop];
  element.replaceChildren(...children.flat(Infinity).filter((child) => child));
  [element.scrollLeft, element.scrollTop] = scrolled;
  refocus?.();
}

/** If a control in an element has the keyboard's focus: what gives it to the same one after it was drawn again. */
function focusIn(element) {
  const it = document.activeElement;
  if (it === element || !element.contains(it)) return null;
  const href = it.getAttribute("href");
  const selector = it.id ? `#${CSS.escape(it.id)}` : it.localName + (href === null ? "" : `[href="${CSS.escape(href)}"]`);
  const place = [...element.querySelectorAll(selector)].indexOf(it);
  return () => {
    if (it.isConnected && it === document.activeElement) return;
    const all = element.querySelectorAll(selector);
    const again = all[place] ?? all[0];
    // What is gone, or can be done no more, leaves the focus near by.
    const near = again?.disabled ? again.parentElement.querySelector("button:enabled") : again;
    (near ?? MAIN).focus({ preventScroll: true });
  };
}

/** Asks the API. */
async function api(path, parameters, options) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== "" && value !== null && value !== undefined) query.set(name, value);
  }
  const url = `${BASE}/api/v1${path}${query.size ? "?" + query : ""}`;
  const answer = await fetch(url, options);
  if (answer.status === 401) location.reload();
  const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
  const body = isJson ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Error(isJson ? body.error : `the dashboard answered ${answer.status}`);
  return body;
}

const runPath = (key) => `/runs/${encodeURIComponent(key)}`;
const runLink = (key, step) => `#/run/${encodeURIComponent(key)}${step ? "?step=" + encodeURIComponent(step) : ""}`;

/** A stretch of time in microseconds, in a word. */
function short(micros) {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < 1e6) return `${+(micros / 1e3).toPrecision(3)} ms`;
  if (micros < 60e6) return `${+(micros / 1e6).toPrecision(3)} s`;
  const minutes = Math.floor(micros / 60e6);
  if (minutes < 60) return `${minutes} min ${Math.round((micros % 60e6) / 1e6)} s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** A point in time in microseconds, in this machine's zone. */
function date(micros) {
  const at = new Date(micros / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function time(micros) {
  return h("time", { datetime: new Date(micros / 1000).toISOString() }, date(micros));
}

const WORDS = { not_run: "not run", needs_decision: "needs a decision", timed_out: "timed out" };
const word = (name) => WORDS[name] ?? name;

/** A state or an outcome, by a colour and a word. */
const badge = (name) => h("span", { class: `badge is-${name}` }, word(name));

const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/** Why something could not be shown. It is asked for again while this stands there. */
function problem(error) {
  return h("p", { class: "problem", role: "alert", "data-again": true }, error.message);
}

/** A table whose rows are lists of cells. */
function table(heads, rows, empty, props) {
  if (!rows.length) return h("p", { class: "muted" }, empty);
  const head = h("tr", null, heads.map((it) => h("th", { scope: "col" }, it)));
  const body = rows.map((cells) => h("tr", null, cells.map((it) => h("td", null, it))));
  return h("div", { class: "scroll" }, h("table", props, h("thead", null, head), h("tbody", null, body)));
}

/** Calls `work` now, or soon after the last call, and never twice at a time; while nobody sees the page, but once. */
function paced(work, between) {
  let busy = false, again = false, done = false;
  return async function run() {
    if (document.hidden && done) { document.addEventListener("visibilitychange", run, { once: true }); return; }
    if (busy) { again = true; return; }
    busy = done = true;
    try { await work(); } finally {
      setTimeout(() => {
        busy = false;
        if (again) { again = false; run(); }
      }, between);
    }
  };
}

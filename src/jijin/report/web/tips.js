"use strict";
// What is pointed at is told beside the pointer; what is tapped or clicked is chosen.
const DATA = JSON.parse(document.getElementById("data").textContent);
const EVENTS = DATA.events, STATIONS = DATA.stations;
const tip = document.getElementById("tip");

function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside.map(one => one instanceof Node ? one : String(one)));
  return element;
}

function svg(name, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

const fixed = (value, digits) => value == null ? "–" : value.toFixed(digits).replace("-", "−");

function size(e) { return e.m == null ? "no magnitude" : `${e.mk} ${fixed(e.m, 1)}`; }

function sourceType(e) { // its type; where that is open, what it is most likely
  if (e.p == null) return "not classified";
  if (e.kind !== "not determined") return `${e.kind} ${fixed(e.p, 2)}`;
  return e.classes?.length ? `not determined (${e.classes[0][0]} ${fixed(e.p, 2)})` : `not determined: ${e.why?.[0]?.[0] ?? ""}`;
}

function told(e) {
  const lines = [`${e.time} UTC`, `${size(e)}, depth ${fixed(e.z, 1)} km${e.zok ? "" : " (not resolved)"}`,
    `${e.n} picks used, RMS ${fixed(e.rms, 2)} s, gap ${fixed(e.gap, 0)}°`,
    `± ${fixed(e.ea, 1)} km, depth ± ${fixed(e.ez, 1)} km`, sourceType(e)];
  return lines.join("\n");
}

function show(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 6))}px`;
  tip.style.top = `${y + 16 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 16}px`;
}

function pointed(target) {
  const mark = target.closest?.("[data-t], [data-e]");
  if (!mark) return "";
  return mark.dataset.t ?? (mark.closest("tr") ? "" : told(EVENTS[mark.dataset.e]));
}

document.addEventListener("pointermove", event => {
  const text = pointed(event.target);
  if (text) show(text, event.clientX, event.clientY); else tip.hidden = true;
});
document.addEventListener("pointerdown", event => {
  const text = pointed(event.target);
  if (text) show(text, event.clientX, event.clientY); else tip.hidden = true;
});
document.addEventListener("scroll", () => { tip.hidden = true; }, {passive: true});

"use strict";
// The chosen event, the filter, and the tables that can be sorted.
const PAGE = 100; // rows of the table at first, and more at a time
let chosen = null, passing = EVENTS.map(Boolean), sorted = {key: "ms", up: true}, rowsShown = PAGE;

const COLUMNS = [["ms", "time (UTC)", e => e.time.slice(0, 21), "text"], ["lat", "latitude", e => fixed(e.lat, 4)], ["lon", "longitude", e => fixed(e.lon, 4)],
  ["z", "depth (km)", e => fixed(e.z, 1) + (e.zok ? "" : "*")], ["m", "magnitude", e => fixed(e.m, 1)], ["n", "picks", e => e.n], ["np", "P", e => e.np], ["ns", "S", e => e.ns],
  ["rms", "RMS (s)", e => fixed(e.rms, 2)], ["gap", "gap (°)", e => fixed(e.gap, 0)], ["near", "nearest (km)", e => fixed(e.near, 1)], ["ea", "± (km)", e => fixed(e.ea, 1)],
  ["ez", "± depth (km)", e => fixed(e.ez, 1)], ["kind", "type", sourceType, "text"], ["id", "event id", e => e.id, "text"]];
const STATION_COLUMNS = [["id", "station", s => s.id, "text"], ["lat", "latitude", s => fixed(s.lat, 4)], ["lon", "longitude", s => fixed(s.lon, 4)], ["elev", "elevation (m)", s => fixed(s.elev, 0)],
  ["data", "data (%)", s => fixed(s.data, 1)], ["picks", "picks", s => s.picks ?? "–"], ["nP", "P used", s => s.nP], ["rP", "P residual (s)", s => fixed(s.rP, 3)], ["sP", "P scatter (s)", s => fixed(s.sP, 3)],
  ["nS", "S used", s => s.nS], ["rS", "S residual (s)", s => fixed(s.rS, 3)], ["sS", "S scatter (s)", s => fixed(s.sS, 3)]];

const compare = (key, up) => (a, b) => { // what is missing comes last, whatever the direction
  const [x, y] = [a[key], b[key]];
  if (x == null || y == null) return (x == null) - (y == null);
  return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
};

function heads(columns, order, again) {
  const row = make("tr");
  for (const [key, name, , kind] of columns) {
    const button = make("button", {type: "button"}, name), head = make("th", {class: kind ?? "", scope: "col"}, button);
    if (order.key === key) head.setAttribute("aria-sort", order.up ? "ascending" : "descending");
    button.addEventListener("click", () => { order.up = order.key === key ? !order.up : kind === "text"; order.key = key; again(); });
    row.append(head);
  }
  return make("thead", {}, row);
}

function cells(columns, one, attributes = {}) {
  return make("tr", attributes, ...columns.map(([, , text, kind]) => make("td", {class: kind ?? ""}, text(one))));
}

function eventTable() {
  const table = document.getElementById("event-table"), rows = EVENTS.filter((e, k) => e && passing[k]);
  rows.sort(compare(sorted.key, sorted.up));
  const body = rows.slice(0, rowsShown).map(e => cells(COLUMNS, e, {"data-e": e.k, class: e.k === chosen ? "on" : ""}));
  table.replaceChildren(heads(COLUMNS, sorted, eventTable), make("tbody", {}, ...body));
  const more = document.getElementById("more");
  more.hidden = rows.length <= rowsShown;
  more.textContent = `show ${Math.min(PAGE, rows.length - rowsShown)} more of ${rows.length}`;
}

const stationOrder = {key: "id", up: true};
function stationTable() {
  const rows = [...STATIONS].sort(compare(stationOrder.key, stationOrder.up));
  document.getElementById("station-table").replaceChildren(heads(STATION_COLUMNS, stationOrder, stationTable), make("tbody", {}, ...rows.map(s => cells(STATION_COLUMNS, s))));
}

function facts(e) {
  const list = make("dl"), add = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
  add("time", `${e.time} UTC ± ${fixed(e.et, 2)} s`);
  add("epicentre", `${fixed(e.lat, 4)}°, ${fixed(e.lon, 4)}°`);
  add("ellipse (1 σ)", `${fixed(e.ea, 2)} × ${fixed(e.eb, 2)} km, ${fixed(e.eaz, 0)}°`);
  add("depth", `${fixed(e.z, 1)} ± ${fixed(e.ez, 1)} km${e.zok ? "" : ", not resolved"}`);
  add("magnitude", e.m == null ? `none${e.mwhy ? `: ${e.mwhy}` : ""}` : `${size(e)}${e.me == null ? "" : ` ± ${fixed(e.me, 2)}`} (${e.mf})`);
  add("picks", `${e.np} P, ${e.ns} S; ${e.n} used`);
  add("RMS, gap", `${fixed(e.rms, 3)} s, ${fixed(e.gap, 0)}°`);
  add("nearest station", `${fixed(e.near, 1)} km`);
  add("type", e.kind === "not determined" ? sourceType(e) : `${sourceType(e)}, ${e.sure}`);
  add("event id", `${e.id}, version ${e.v}, ${e.mode}`);
  return list;
}

function reasons(e) {
  if (!e.why?.length || !e.classes?.length) return [];
  const most = Math.max(...e.why.map(([, value]) => Math.abs(value))) || 1;
  const box = make("div", {class: "why"});
  for (const [name, value] of e.why.slice(0, 12)) {
    const width = `width:${(100 * Math.abs(value) / most).toFixed(0)}%`;
    box.append(make("span", {}, name), make("i", {class: value < 0 ? "against" : "", style: width}), make("span", {}, `${value > 0 ? "+" : ""}${fixed(value, 2)}`));
  }
  const [[first], [second] = ["anything else"]] = e.classes, classes = e.classes.map(([name, p]) => `${name} ${fixed(p, 2)}`).join(", ");
  const text = `Log odds of ${first} (green) against ${second} (orange), by feature. Probabilities: ${classes}.`;
  return [make("h3", {}, "What spoke for its type"), make("p", {class: "note"}, text), box];
}

function arrivalTable(k) {
  const head = make("tr", {}, ...["channel", "phase", "time (s)", "residual (s)", "weight", "distance (km)", "azimuth (°)", "probability", "± (s)"].map((name, n) => make("th", {class: n < 2 ? "text" : ""}, name)));
  const rows = DATA.details[k].arrivals.map(([id, phase, t, residual, weight, distance, azimuth, probability, sigma]) =>
    make("tr", {}, make("td", {class: "text"}, id), make("td", {class: `text ${phase === "P" ? "P" : "S"}-text`}, phase),
      ...[[t, 2], [residual, 3], [weight, 2], [distance, 1], [azimuth, 0], [probability, 2], [sigma, 3]].map(([value, digits]) => make("td", {}, fixed(value, digits)))));
  return folded(`${rows.length} arrivals`, head, rows);
}

function sizeTable(k) {
  const sizes = DATA.details[k].sizes;
  if (!sizes.length) return "";
  const head = make("tr", {}, ...["channel", "magnitude", "amplitude (mm)", "distance (km)", "not used because"].map((name, n) => make("th", {class: n % 4 ? "" : "text"}, name)));
  const rows = sizes.map(([id, value, amplitude, distance, reason]) => make("tr", {}, make("td", {class: "text"}, id), make("td", {}, fixed(value, 2)),
    make("td", {}, amplitude == null ? "–" : amplitude.toPrecision(3)), make("td", {}, fixed(distance, 1)), make("td", {class: "text"}, reason)));
  return folded(`${rows.length} station magnitudes`, head, rows);
}

function folded(title, head, rows) {
  return make("details", {}, make("summary", {}, title), make("div", {class: "scroll"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
}

function recordBox(k) {
  const box = make("div"), button = make("button", {type: "button"});
  const draw = spacing => {
    const [drawing, used] = record(k, Math.max(box.clientWidth, 280), spacing);
    button.textContent = used === "distance" ? "space traces evenly" : "space traces by distance";
    button.onclick = () => draw(used === "distance" ? "even" : "distance");
    const note = DATA.records[k] ? "Verticals above 0.7 Hz, each to its own scale." : "Waveforms of this event are not in the page.";
    box.replaceChildren(make("div", {class: "bar"}, button, make("span", {class: "note"}, `${note} Solid: picks; dashed: expected from the location; P `, make("span", {class: "P-text"}, "blue"), ", S ", make("span", {class: "S-text"}, "orange"), "; faint: not used.")), drawing);
  };
  return [box, draw];
}

function steps(k) { // to the events before and after, those that pass the filter
  const bar = make("div", {class: "bar"});
  for (const [by, name] of [[-1, "◂ earlier"], [1, "later ▸"]]) {
    let next = k + by;
    while (next >= 0 && next < EVENTS.length && !passing[next]) next += by;
    const button = make("button", {type: "button"}, name);
    button.disabled = !EVENTS[next];
    button.addEventListener("click", () => choose(next));
    bar.append(button);
  }
  return bar;
}

function choose(k, scroll) {
  if (!EVENTS[k]) return;
  document.querySelectorAll(".on").forEach(one => one.classList.remove("on"));
  document.querySelectorAll(`[data-e="${k}"]`).forEach(one => one.classList.add("on"));
  chosen = k;
  const e = EVENTS[k], panel = document.getElementById("panel");
  const right = make("div");
  panel.replaceChildren(make("div", {}, make("h3", {}, `${e.time.slice(0, 19)}  ${size(e)}`), steps(k), facts(e), ...reasons(e)), right);
  if (DATA.details[k]?.arrivals.length) {
    const [box, draw] = recordBox(k);
    right.append(box, arrivalTable(k), sizeTable(k));
    draw();
  } else right.append(make("p", {class: "missing"}, DATA.details[k] ? "No picks belong to this event." : "The page holds the arrivals of the largest events only; those of this one are in the run."));
  if (scroll) document.getElementById("event").scrollIntoView({behavior: "smooth"});
}

function filter() {
  const value = name => { const found = document.getElementById(name)?.value; return found === "" || found == null ? null : found; };
  const [m, n, error, kind] = [value("least-m"), value("least-n"), value("most-error"), value("of-kind")];
  passing = EVENTS.map(e => e && (m == null || (e.m ?? -99) >= +m) && (n == null || e.n >= +n) && (error == null || (e.ea ?? 1e9) <= +error) && (kind == null || e.kind === kind));
  document.querySelectorAll("[data-e]:not(tr), [data-of-event]").forEach(one => { one.style.display = passing[one.dataset.e ?? one.dataset.ofEvent] ? "" : "none"; });
  document.getElementById("passing").textContent = `${passing.filter(Boolean).length} of ${DATA.total} events shown`;
  rowsShown = PAGE;
  eventTable();
}

document.addEventListener("click", event => {
  const mark = event.target.closest("[data-e]");
  if (mark) choose(+mark.dataset.e, Boolean(mark.closest("tr")));
});
document.querySelectorAll("#filter input, #filter select").forEach(one => one.addEventListener("input", filter));
document.getElementById("more")?.addEventListener("click", () => { rowsShown += PAGE; eventTable(); });
addEventListener("resize", () => { if (chosen != null) choose(chosen); });
EVENTS.forEach((e, k) => { if (e) e.k = k; });
if (STATIONS.length || EVENTS.length) drawMap();
if (STATIONS.length) stationTable();
if (EVENTS.length) { filter(); map.on("overlayadd", filter); choose(DATA.first); }

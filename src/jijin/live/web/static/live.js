"use strict";
// What the server pushes, shown as it comes; the server is asked for the whole state each time the stream begins.
const CHOSEN = "jijin-traces", FEW = 4, ROWS = 60;
const at = id => document.getElementById(id);
const clockText = ms => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const events = new Map(), marks = new Map(), stationMarks = new Map();
const picks = [], alarms = [];
let status = {stations: {}}, places = new Map(), chosen = null, stream = null, shownEvent = null, heard = 0, framed = false;

// traces

function sensors() { return Object.values(status.stations).flatMap(one => one.sensors).sort(); }

function remembered() {
  try { return JSON.parse(localStorage.getItem(CHOSEN)); } catch { return null; }
}

function choose(sensor) {
  if (chosen.has(sensor)) chosen.delete(sensor); else chosen.add(sensor);
  localStorage.setItem(CHOSEN, JSON.stringify([...chosen]));
  showViews();
  listen();
}

function showChoice() {
  const buttons = sensors().map(sensor => {
    const station = status.stations[sensor.split(".").slice(0, 2).join(".")];
    const names = [chosen.has(sensor) ? "on" : "", station?.quiet ? "quiet" : ""].join(" ");
    const button = make("button", {class: names, "aria-pressed": chosen.has(sensor)}, sensor);
    button.addEventListener("click", () => choose(sensor));
    return button;
  });
  at("choice").replaceChildren(...buttons);
}

function showViews() {
  for (const [sensor, view] of views) if (!chosen.has(sensor)) { view.box.remove(); views.delete(sensor); }
  for (const sensor of [...chosen].sort()) {
    if (views.has(sensor)) continue;
    const view = new View(sensor);
    views.set(sensor, view);
    at("traces").append(view.box);
    picks.filter(one => one.i === sensor).forEach(one => view.pick(one));
    fetch(`api/history?sensor=${encodeURIComponent(sensor)}`).then(answer => answer.json())
      .then(found => found.forEach(one => view.add(one))).catch(() => {});
  }
  showChoice();
}

// tables

function rows(id, head, body) {
  at(id).replaceChildren(make("thead", {}, make("tr", {}, ...head.map(name => make("th", {class: "text"}, name)))),
    make("tbody", {}, ...body));
}

const cell = (text, name = "text") => make("td", {class: name}, text);

function showPicks() {
  const body = picks.slice(-ROWS).reverse().map(one => make("tr", {class: one.kind},
    cell(`${new Date(one.t).toISOString().slice(11, 22)}`), cell(one.c), cell(one.ph, `text ${one.ph}`), cell(fixed(one.p, 2)), cell(one.kind)));
  rows("picks", ["Time (UTC)", "Channel", "Phase", "Probability", "State"], body);
}

function showEvents() {
  const found = [...events.values()].sort((a, b) => b.ms - a.ms).slice(0, ROWS);
  rows("events", ["Origin time (UTC)", "Magnitude", "Depth (km)", "Place", "Picks", "Type", "Version"], found.map(e => {
    const row = make("tr", {"data-event": e.id, class: e.id === shownEvent ? "on" : "", tabindex: 0}, cell(e.time.slice(0, 21)), cell(size(e)),
      cell(fixed(e.z, 1)), cell(`${fixed(e.lat, 3)}, ${fixed(e.lon, 3)}`), cell(e.n), cell(e.kind), cell(e.v));
    row.addEventListener("click", () => showRecord(e.id));
    row.addEventListener("keydown", key => { if (key.key === "Enter") showRecord(e.id); });
    return row;
  }));
}

function showStations() {
  const body = Object.entries(status.stations).map(([name, one]) => make("tr", {}, cell(name), cell(one.quiet ? "quiet" : "data"),
    cell(fixed(one.age, 1)), cell(fixed(one.delay, 1)), cell(Object.entries(one.trouble).map(([k, n]) => `${n} ${k}`).join(", "))));
  rows("stations", ["Station", "State", "Newest sample (s ago)", "Came after (s)", "Trouble"], body);
}

function alarmBox(one) {
  const name = one.kind === "cancelled" ? "cancelled" : one.level === "alarm" ? "alarm-level" : one.level;
  return make("div", {class: `alarm ${name}`}, make("b", {}, `${one.test ? "TEST " : ""}${one.text}`),
    make("div", {class: "note"}, `${one.time.slice(0, 19).replace("T", " ")} UTC, rule ${one.rule}, level ${one.level}`),
    make("details", {}, make("summary", {}, "Why"), make("pre", {}, JSON.stringify(one.reason, null, 1))));
}

function showAlarms() {
  at("alarms").replaceChildren(...(alarms.length ? alarms.slice(-ROWS).reverse().map(alarmBox) : [make("p", {class: "note"}, "None yet.")]));
}

function showState() {
  const told = status.latency?.pick, chips = [["", `${clockText(status.now)} UTC`]];
  for (const [name, state, note] of status.sources) chips.push([state === "waiting" ? "bad" : "", `${name}: ${state}${note ? ` (${note})` : ""}`]);
  if (told?.count) chips.push(["", `packet to pick ${fixed(told.median_s, 2)} s, 99 % ${fixed(told.p99_s, 2)} s`]);
  chips.push([status.overloaded ? "bad" : "", `${status.overloaded ? "overloaded: " : ""}tick ${fixed(status.tick, 2)} s, ${status.queue} packets wait`]);
  const quiet = Object.values(status.stations).filter(one => one.quiet).length, all = Object.keys(status.stations).length;
  chips.push([quiet ? "bad" : "", `${all - quiet} of ${all} stations with data`]);
  at("state").replaceChildren(...chips.map(([name, text]) => make("span", {class: name}, text)));
  at("trouble").hidden = !status.trouble.length;
  at("trouble").textContent = status.trouble.join("; ");
}

// map

function stationOn(name, place) {
  const mark = new Triangle(place, {radius: 7, className: "station", color: "", fillColor: "", fillOpacity: 1});
  mark.on("add", () => { mark.getElement().dataset.t = name; });
  mark.addTo(map);
  stationMarks.set(name, mark);
}

function showPlaces() {
  for (const [name, mark] of stationMarks) {
    const one = status.stations[name], element = mark.getElement();
    if (!element) continue;
    element.classList.toggle("quiet", !one || one.quiet);
    element.dataset.t = one ? `${name}\nnewest sample ${fixed(one.age, 1)} s ago` : `${name}\nno data`;
  }
}

function eventOn(e) {
  marks.get(e.id)?.forEach(one => one.remove());
  const dot = L.circleMarker([e.lat, e.lon], {radius: e.r, fillColor: e.c, fillOpacity: 0.85, className: "dot", weight: 0.8, color: ""});
  dot.on("add", () => { dot.getElement().dataset.t = told(e); });
  dot.on("click", () => showRecord(e.id));
  const error = L.polygon(ellipse(e), {className: "ellipse", interactive: false, color: "", fill: false});
  marks.set(e.id, [error.addTo(map), dot.addTo(map)]);
}

function frame() {
  const found = [...places.values(), ...[...events.values()].map(e => [e.lat, e.lon])];
  if (framed || !found.length) return;
  framed = true;
  map.fitBounds(L.latLngBounds(found).pad(0.15), {maxZoom: 13, animate: false});
}

async function startMap() {
  map.setView([0, 0], 1);
  meridians.addTo(map);
  map.on("moveend resize", graticule);
  L.control.scale({imperial: false, maxWidth: 120}).addTo(map);
  try {
    const earth = await (await fetch("api/coast")).json();
    L.polygon([earth.land], {className: "land", interactive: false, stroke: false, smoothFactor: 0.5}).addTo(map);
    lines(earth.coast, "coast").addTo(map);
    lines(earth.border, "border").addTo(map);
  } catch { /* a map without coasts is still a map */ }
}

// one event

async function showRecord(id) {
  shownEvent = id;
  showEvents();
  const answer = await fetch(`api/event/${encodeURIComponent(id)}`);
  if (!answer.ok) { at("record").replaceChildren(make("p", {class: "note"}, "No record section of this event.")); return; }
  const found = await answer.json();
  DATA.details[0] = found.details;
  DATA.records[0] = found.records;
  const [root] = record(0, at("record").clientWidth);
  at("record").replaceChildren(make("h3", {}, `Record section of ${id}`), root);
}

// what is pushed

const on = {
  status(found) {
    status = found;
    showState();
    showStations();
    showPlaces();
    if (chosen === null && sensors().length) {
      const kept = remembered()?.filter(one => sensors().includes(one));
      chosen = new Set(kept?.length ? kept : sensors().slice(0, FEW));
      showViews();
      listen();
    } else if (chosen) showChoice();
  },
  pick(found) {
    const there = picks.findIndex(one => one.k === found.k);
    if (there >= 0) picks[there] = found; else picks.push(found);
    if (picks.length > 2000) picks.splice(0, 500);
    views.get(found.i)?.pick(found);
    showPicks();
  },
  event(found) {
    if (found.gone) {
      events.delete(found.id);
      marks.get(found.id)?.forEach(one => one.remove());
    } else {
      events.set(found.id, found);
      eventOn(found);
      frame();
      if (shownEvent === found.id) showRecord(found.id);
    }
    showEvents();
  },
  alarm(found) { alarms.push(found); showAlarms(); },
  trace(found) { views.get(found.i)?.add(found); },
  curves(found) { views.get(found.i)?.curves(found); },
};

function begin(whole) {
  places = new Map(whole.places.map(([name, lat, lon]) => [name, [lat, lon]]));
  for (const [name, place] of places) if (!stationMarks.has(name)) stationOn(name, place);
  picks.splice(0, picks.length, ...new Map(whole.picks.map(one => [one.k, one])).values());
  for (const one of picks) views.get(one.i)?.pick(one);
  alarms.splice(0, alarms.length, ...whole.alarms);
  for (const id of [...events.keys()]) on.event({id, gone: true});
  whole.events.forEach(on.event);
  at("about").textContent = `${whole.name}, picked by ${whole.method}. Leaflet, seisplotjs and coastlines come with the package.`;
  frame();
  showPicks();
  showAlarms();
  showEvents();
  on.status(whole.status);
}

function listen() {
  stream?.close();
  const asked = [...chosen ?? []].map(one => `sensor=${encodeURIComponent(one)}`).join("&");
  stream = new EventSource(`stream?${asked}`);
  stream.onopen = () => fetch("api/whole").then(answer => answer.json()).then(begin).catch(() => {});
  for (const name of Object.keys(on)) stream.addEventListener(name, event => {
    heard = Date.now();
    on[name](JSON.parse(event.data));
  });
}

function beat() {
  for (const view of views.values()) view.draw();
  if (heard && Date.now() - heard > 15000) {
    at("trouble").hidden = false;
    at("trouble").textContent = `Nothing has come from the server for ${Math.round((Date.now() - heard) / 1000)} s; the page tries again by itself.`;
  }
}

startMap().then(listen);
setInterval(beat, 500);

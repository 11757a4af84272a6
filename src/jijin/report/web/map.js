"use strict";
// The map: coasts, a graticule, stations, events with their errors, cells of the day/night ratio. No tiles, no network.
const shaped = path => L.CircleMarker.extend({
  _updatePath() { this._renderer._setPath(this, path(this._point.x, this._point.y, this._radius)); }
});
const Diamond = shaped((x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${1.2 * r}-${1.2 * r} ${1.2 * r}-${1.2 * r}-${1.2 * r}z`);
const Triangle = shaped((x, y, r) => `M${x} ${y - r}l${r} ${1.7 * r}h-${2 * r}z`);
const map = L.map("map", {attributionControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90, renderer: L.svg({padding: 0.5})});

for (const [name, height] of [["earth", 350], ["cells", 380]]) map.createPane(name).style.zIndex = height; // below events

function lines(found, className) {
  return L.polyline(found, {className, interactive: false, color: "", weight: 1, smoothFactor: 0.5, pane: "earth"});
}

function ellipse(e) { // one standard deviation, on a sphere small enough to be flat
  const north = 1 / 111.2, east = north / Math.max(Math.cos(e.lat * Math.PI / 180), 0.01), turn = e.eaz * Math.PI / 180;
  return Array.from({length: 37}, (_, k) => {
    const a = k * Math.PI / 18, long = e.ea * Math.cos(a), short = e.eb * Math.sin(a);
    return [e.lat + north * (long * Math.cos(turn) - short * Math.sin(turn)),
      e.lon + east * (long * Math.sin(turn) + short * Math.cos(turn))];
  });
}

function marked(layer, name, value) { // the element carries what the other plots carry too
  layer.on("add", () => { layer.getElement().dataset[name] = value; });
  return layer;
}

function eventMark(e, k) {
  const options = {radius: e.r, fillColor: e.c, fillOpacity: 0.85, className: "dot", weight: 0.8, color: ""};
  return marked(e.o ? L.circleMarker([e.lat, e.lon], options) : new Diamond([e.lat, e.lon], options), "e", k);
}

function stationMark(s) {
  const mark = new Triangle([s.lat, s.lon], {radius: 7, className: "station", color: "", fillColor: "", fillOpacity: 1});
  const data = s.data == null ? "" : `\ndata ${fixed(s.data, 1)} % of the time`;
  return marked(mark, "t", `${s.id}\n${fixed(s.elev, 0)} m above sea level\n${s.nP} P, ${s.nS} S used${data}`);
}

function cellMark(c) {
  const strength = Math.min(Math.log2(c.ratio ?? 16) / 4, 1), colour = strength > 0 ? "#d55e00" : "#0072b2";
  const options = {className: "cell", fillColor: colour, fillOpacity: 0.12 + 0.5 * Math.abs(strength), weight: 0, pane: "cells"};
  const ratio = c.ratio == null ? "only by day" : `day/night ratio ${fixed(c.ratio, 2)}`;
  return marked(L.rectangle(c.box, options), "t", `${ratio}\n${c.day} by day, ${c.night} by night within ${DATA.radius} km`);
}

function ellipses() {
  const drawn = EVENTS.map((e, k) => e && e.ea != null && e.eb != null && marked(L.polygon(ellipse(e), {className: "ellipse", interactive: false, color: "", fill: false, smoothFactor: 0}), "ofEvent", k));
  return L.layerGroup(drawn.filter(Boolean));
}

function step(degrees) { return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45].find(one => degrees / one <= 6) ?? 90; }

const meridians = L.layerGroup();
function graticule() {
  const view = map.getBounds(), box = map.getSize(), names = [];
  meridians.clearLayers();
  document.querySelectorAll("#map .degrees").forEach(one => one.remove());
  const along = (low, high, line, place, sides) => {
    const by = step(high - low), digits = by < 0.1 ? 2 : by < 1 ? 1 : 0;
    for (let v = Math.ceil(low / by) * by; v <= high; v += by) {
      meridians.addLayer(lines(line(v), "meridian"));
      const turned = ((v + 540) % 360) - 180;
      names.push([place(v), `${Math.abs(sides === "NS" ? v : turned).toFixed(digits)}°${v === 0 ? "" : (sides === "NS" ? v : turned) > 0 ? sides[0] : sides[1]}`]);
    }
  };
  const [s, n, w, e] = [Math.max(view.getSouth(), -85), Math.min(view.getNorth(), 85), view.getWest(), view.getEast()];
  along(w, e, v => [[s, v], [n, v]], v => [map.latLngToContainerPoint([n, v]).x + 3, box.y - 18], "EW");
  along(s, n, v => [[v, w], [v, e]], v => [box.x - 52, map.latLngToContainerPoint([v, w]).y - 17], "NS");
  for (const [[x, y], name] of names) {
    if (x > 4 && x < box.x - 30 && y > 4) map.getContainer().append(make("span", {class: "degrees", style: `left:${x}px;top:${y}px`}, name));
  }
}

function drawMap() {
  const stations = L.latLngBounds(STATIONS.map(s => [s.lat, s.lon]));
  const wide = STATIONS.length > 1 ? stations.getSouthWest().distanceTo(stations.getNorthEast()) / 1000 : Infinity;
  const sure = EVENTS.filter(e => e && e.ea <= wide / 2); // one that could be anywhere does not make the map small
  const places = [...STATIONS, ...sure.length ? sure : EVENTS.filter(Boolean)].map(one => [one.lat, one.lon]);
  if (places.length) map.fitBounds(L.latLngBounds(places).pad(0.08), {maxZoom: 15, animate: false}); else map.setView([0, 0], 1);
  map.setMinZoom(Math.min(map.getZoom(), map.getBoundsZoom(DATA.box, true)));
  L.polygon([DATA.earth.land], {className: "land", interactive: false, stroke: false, smoothFactor: 0.5, pane: "earth"}).addTo(map);
  lines(DATA.earth.coast, "coast").addTo(map);
  lines(DATA.earth.border, "border").addTo(map);
  meridians.addTo(map);
  const cells = L.layerGroup(DATA.cells.map(cellMark)), errors = ellipses();
  if (EVENTS.length <= 400) errors.addTo(map);
  L.layerGroup(STATIONS.map(stationMark)).addTo(map);
  const order = EVENTS.map((e, k) => k).filter(k => EVENTS[k]).sort((a, b) => EVENTS[b].r - EVENTS[a].r);
  L.layerGroup(order.map(k => eventMark(EVENTS[k], k))).addTo(map);
  const choices = {"errors (1 σ)": errors};
  if (DATA.cells.length) choices["day/night ratio"] = cells;
  L.control.layers(null, choices, {collapsed: false}).addTo(map);
  L.control.scale({imperial: false, maxWidth: 140}).addTo(map);
  map.on("moveend resize", graticule);
  graticule();
}

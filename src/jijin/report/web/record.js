"use strict";
// The record section of one event: a trace a station, against time from the origin; picks and expected arrivals.
const stationOf = id => id.split(".").slice(0, 3).join(".");

function columns(trace) {
  const bytes = atob(trace.d), values = new Int8Array(bytes.length);
  for (let k = 0; k < bytes.length; k++) values[k] = bytes.charCodeAt(k);
  return values;
}

function wave(trace, x, middle, half) {
  const values = columns(trace), path = [];
  let open = false;
  for (let k = 0; k < values.length / 2; k++) {
    const low = values[2 * k], high = values[2 * k + 1];
    if (low === -128) { open = false; continue; }
    const at = x(trace.t + (k + 0.5) * trace.dt).toFixed(1);
    path.push(`${open ? "L" : "M"}${at} ${(middle - half * high / 127).toFixed(1)}L${at} ${(middle - half * low / 127).toFixed(1)}`);
    open = true;
  }
  return svg("path", {class: "wave", d: path.join("")});
}

function byDistance(rows, height) { // true distances, unless traces would lie on one another
  const far = rows.map(row => row.distance), span = far[far.length - 1] - far[0];
  const gaps = far.slice(1).map((d, k) => (d - far[k]) / span * height);
  return rows.length > 1 && span > 0 && gaps.filter(gap => gap < 11).length <= rows.length / 10;
}

function recordRows(k) {
  const found = new Map(DATA.details[k].stations.map(([name, distance, P, S]) => [name, {name, distance, P, S, arrivals: []}]));
  for (const [id, phase, t, residual, weight, distance, azimuth, probability] of DATA.details[k].arrivals)
    found.get(stationOf(id))?.arrivals.push({id, phase, t, residual, weight, probability});
  for (const trace of DATA.records[k] ?? []) if (found.has(stationOf(trace.id))) found.get(stationOf(trace.id)).trace = trace;
  return [...found.values()].filter(row => row.trace || row.arrivals.length);
}

function missingMarks(row, x, y, half) { // a phase that should be there and has no pick
  return ["P", "S"].filter(phase => row[phase] != null && !row.arrivals.some(a => a.phase === phase)).map(phase =>
    svg("line", {x1: x(row[phase]), x2: x(row[phase]), y1: y - half, y2: y + half, class: `expected ${phase}`,
      "data-t": `${row.name} ${phase}, not picked\nexpected ${fixed(row[phase], 2)} s after the origin`}));
}

function arrivalMarks(a, x, y, half) {
  const text = `${a.id} ${a.phase}\n${fixed(a.t, 2)} s after the origin, residual ${fixed(a.residual, 2)} s\nprobability ${fixed(a.probability, 2)}, weight ${fixed(a.weight, 2)}`;
  const line = (t, name) => svg("line", {x1: x(t), x2: x(t), y1: y - half, y2: y + half, class: name, "data-t": text});
  const faint = a.weight > 0 ? "" : " unused";
  return [line(a.t - a.residual, `expected ${a.phase}${faint}`), line(a.t, `pick ${a.phase}${faint}`), line(a.t, "hit")];
}

function timeAxis(root, x, low, high, top, bottom) {
  const by = [0.5, 1, 2, 5, 10, 20, 30, 60].find(one => (high - low) / one <= 9) ?? 120;
  for (let t = Math.ceil(low / by) * by; t <= high; t += by) {
    root.append(svg("line", {x1: x(t), x2: x(t), y1: top, y2: bottom, class: "axis"}));
    root.append(svg("text", {x: x(t), y: bottom + 14, "text-anchor": "middle"}, fixed(t, by < 1 ? 1 : 0)));
  }
  root.append(svg("text", {x: (x(low) + x(high)) / 2, y: bottom + 29, "text-anchor": "middle"}, "seconds after the origin time"));
}

function record(k, width, spacing) {
  const rows = recordRows(k), times = rows.flatMap(row => row.arrivals.map(a => a.t));
  const first = rows.find(row => row.trace)?.trace, count = rows.length;
  const low = first ? first.t : -2, high = first ? first.t + first.dt * columns(first).length / 2 : 1.2 * Math.max(...times, 1) + 1;
  const left = width < 560 ? 8 : 116, right = width < 560 ? 8 : 52, height = Math.max(90, Math.min(count * 30, 640)), top = 24;
  const x = t => left + (t - low) / (high - low) * (width - left - right);
  const real = spacing ? spacing === "distance" : byDistance(rows, height);
  const span = rows[count - 1].distance - rows[0].distance || 1, half = Math.max(10, Math.min(22, height / count * 0.75));
  const y = (row, n) => top + half + (real ? (row.distance - rows[0].distance) / span * height : (n + 0.5) / count * height);
  const bottom = top + height + 2 * half;
  const root = svg("svg", {class: "record", height: bottom + 36, role: "img", "aria-label": "record section"});
  timeAxis(root, x, low, high, top, bottom);
  rows.forEach((row, n) => {
    const at = y(row, n);
    if (row.trace) root.append(wave(row.trace, x, at, half));
    const tall = Math.min(half, 12);
    root.append(...missingMarks(row, x, at, tall), ...row.arrivals.flatMap(a => arrivalMarks(a, x, at, tall)));
    const narrow = width < 560;
    root.append(svg("text", {x: narrow ? 8 : 2, y: narrow ? at - 8 : at + 4, class: "name"}, (row.trace?.id ?? row.name) + (narrow ? `  ${fixed(row.distance, 0)} km` : "")));
    if (!narrow) root.append(svg("text", {x: width - right + 6, y: at + 4}, `${fixed(row.distance, row.distance < 10 ? 1 : 0)} km`));
  });
  return [root, real ? "distance" : "even"];
}

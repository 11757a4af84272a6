"use strict";
// Traces of chosen sensors by seisplotjs, the probabilities of P and S below each, picks as markers on it.
const SECONDS = 90, KEEP = 130;
const {DateTime, Interval, Duration} = seisplotjs.luxon;
const views = new Map(); // by sensor

function vertical(name) { return /[Z3]$/.test(name); }

class View {
  constructor(sensor) {
    this.sensor = sensor;
    this.channel = null;
    this.pieces = []; // {t: ms, r: Hz, d: samples}, in order of time
    this.curve = new Map(); // tenth of a second -> [p, s] in percent
    this.picks = new Map();
    this.note = make("span", {class: "note"});
    this.lane = make("canvas", {class: "curves", title: "probability of P (blue) and S (orange)"});
    this.graph = null;
    this.box = make("div", {class: "trace"}, make("h3", {}, sensor, this.note), this.lane);
    this.dirty = false;
  }

  add(trace) {
    if (!this.channel || (vertical(trace.c) && !vertical(this.channel))) { this.channel = trace.c; this.pieces = []; }
    if (trace.c !== this.channel || !trace.d.length) return;
    const last = this.pieces[this.pieces.length - 1], step = 1000 / trace.r;
    if (last && trace.t < last.t + (last.d.length - 0.5) * step) return; // is there already, or late
    if (last && trace.r === last.r && Math.abs(trace.t - last.t - last.d.length * step) < step / 2) last.d.push(...trace.d);
    else this.pieces.push({t: trace.t, r: trace.r, d: [...trace.d]});
    this.trim();
    this.dirty = true;
  }

  trim() {
    const oldest = this.end() - KEEP * 1000;
    while (this.pieces.length && this.pieces[0].t + this.pieces[0].d.length / this.pieces[0].r * 1000 < oldest) this.pieces.shift();
    const first = this.pieces[0], late = first ? Math.floor((oldest - first.t) / 1000 * first.r) : 0;
    if (late > 10 * first?.r) { first.d.splice(0, late); first.t += late / first.r * 1000; }
    for (const key of this.curve.keys()) if (key * 100 < oldest) this.curve.delete(key);
    for (const [key, pick] of this.picks) if (pick.t < oldest) this.picks.delete(key);
  }

  end() {
    const last = this.pieces[this.pieces.length - 1];
    return last ? last.t + last.d.length / last.r * 1000 : 0;
  }

  curves(found) {
    const start = Math.round(found.t / 1000 * found.r);
    found.p.forEach((p, k) => this.curve.set(start + k, [p, found.s[k]]));
    this.dirty = true;
  }

  pick(found) {
    if (found.kind === "withdrawn") this.picks.delete(found.k); else this.picks.set(found.k, found);
    this.dirty = true;
  }

  draw() {
    if (!this.dirty || !this.pieces.length) return;
    this.dirty = false;
    const end = this.end();
    this.note.textContent = `${this.channel} until ${new Date(end).toISOString().slice(11, 19)} UTC`;
    this.drawGraph(end);
    this.drawLane(end);
  }

  drawGraph(end) {
    const segments = this.pieces.map(one => new seisplotjs.seismogramsegment.SeismogramSegment(
      Float32Array.from(one.d), one.r, DateTime.fromMillis(one.t, {zone: "utc"})));
    const data = seisplotjs.seismogram.SeismogramDisplayData.fromSeismogram(new seisplotjs.seismogram.Seismogram(segments));
    data.addMarkers([...this.picks.values()].map(one => ({name: one.ph, time: DateTime.fromMillis(one.t, {zone: "utc"}),
      markertype: one.ph === "P" ? "pick" : "predicted", description: `${one.ph} ${one.kind} ${one.p}`})));
    const config = new seisplotjs.seismographconfig.SeismographConfig();
    Object.assign(config, {title: "", isTitle: false, wheelZoom: false, doMarkers: true, isYAxisNice: false, lineWidth: 1});
    for (const name of ["Title", "XLabel", "YLabel", "YLabelRight", "YSublabel", "XSublabel"]) config[`handlebars${name}`] = () => ""; // templates would need eval
    config.margin.top = 2;
    config.margin.right = 6;
    config.margin.left = 46;
    config.margin.bottom = 18;
    config.yLabel = "";
    config.xLabel = "";
    config.ySublabel = "";
    config.ySublabelIsUnits = false;
    config.fixedTimeScale = Interval.before(DateTime.fromMillis(end, {zone: "utc"}), Duration.fromMillis(SECONDS * 1000));
    if (!this.graph) {
      this.graph = new seisplotjs.seismograph.Seismograph([data], config);
      this.lane.before(this.graph);
    } else {
      this.graph.seismographConfig = config;
      this.graph.seisData = [data];
    }
  }

  drawLane(end) {
    const canvas = this.lane, ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    pen.scale(ratio, ratio);
    const x = ms => 46 + (1 - (end - ms) / (SECONDS * 1000)) * (width - 52);
    for (const [row, name] of [[0, "--p"], [1, "--s"]]) {
      pen.fillStyle = style.getPropertyValue(name);
      for (const [key, values] of this.curve) {
        const tall = values[row] / 100 * (height - 2);
        if (tall > 0.3 && x(key * 100) >= 46) pen.fillRect(x(key * 100), height - tall, Math.max(1, (width - 52) / SECONDS / 10), tall);
      }
    }
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(46, height - 1, width - 52, 1);
  }
}

"use strict";
document.documentElement.classList.add("scripted");
// The map: points on a canvas, coloured, zoomed and moved. hover.js says what a point is.
const reportMap = (() => {
  const source = document.getElementById("map-data");
  if (!source) return null;
  const data = JSON.parse(source.textContent);
  const canvas = document.getElementById("map-canvas");
  const frame = document.getElementById("map-frame");
  const legend = document.getElementById("map-legend");
  const select = document.getElementById("map-colour");
  const pen = canvas.getContext("2d");
  const n = data.rows.length;
  const extent = (values) => values.reduce((e, v) => [Math.min(e[0], v), Math.max(e[1], v)], [Infinity, -Infinity]);
  // Places of the chosen layout, and how far they reach.
  const placed = { x: [], y: [], xMost: 0, yMost: 0 };
  const view = { scale: 1, x: 0, y: 0, base: 1, width: 1, height: 1 };
  const state = { colours: [], alone: null, marked: -1, centres: [] };
  const ramp = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const unknown = "#8a8f98";

  const colourOf = (index) => data.palette[index % data.palette.length];
  const onRamp = (share) => {
    const at = Math.max(0, Math.min(1, share)) * (ramp.length - 1);
    const low = Math.min(Math.floor(at), ramp.length - 2);
    const mix = ramp[low].map((v, i) => Math.round(v + (at - low) * (ramp[low + 1][i] - v)));
    return `rgb(${mix.join(",")})`;
  };
  const short = (v) => Number(v.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });

  const item = (colour, text, press) => {
    const li = document.createElement("li");
    const dot = document.createElement("i");
    dot.className = "dot";
    dot.style.setProperty("--c", colour);
    const holder = press ? document.createElement("button") : li;
    holder.append(dot, text);
    if (press) {
      holder.type = "button";
      holder.setAttribute("aria-pressed", "false");
      holder.addEventListener("click", () => press(holder));
      li.append(holder);
    }
    legend.append(li);
  };
  const showAlone = (group) => (button) => {
    const was = button.getAttribute("aria-pressed") === "true";
    for (const other of legend.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(!was));
    state.alone = was ? null : group;
    unmark();
    draw();
  };
  const byGroups = (groups, titles) => {
    state.groups = groups;
    state.colours = groups.map((g) => (g === null ? unknown : colourOf(g)));
    titles.forEach((title, g) => title !== null && item(colourOf(g), title, showAlone(g)));
    if (groups.includes(null)) item(unknown, "missing", showAlone(null));
  };
  const byNumbers = (values, name) => {
    const known = values.filter((v) => v !== null).sort((a, b) => a - b);
    const at = (q) => known[Math.floor(q * (known.length - 1))];
    const [low, high] = known.length ? [at(0.02), at(0.98)] : [0, 1];
    const share = (v) => (high > low ? (v - low) / (high - low) : 0.5);
    state.groups = null;
    state.colours = values.map((v) => (v === null ? unknown : onRamp(share(v))));
    const li = document.createElement("li");
    const bar = document.createElement("div");
    bar.className = "ramp";
    bar.style.background = `linear-gradient(to right, ${ramp.map((c) => `rgb(${c.join(",")})`).join(",")})`;
    const ends = document.createElement("div");
    ends.className = "ends";
    for (const text of known.length ? [short(low), short(high)] : ["", ""]) {
      const span = document.createElement("span");
      span.textContent = text;
      ends.append(span);
    }
    li.append(name, bar, ends);
    legend.append(li);
    if (values.includes(null)) item(unknown, "missing", null);
  };
  const recolour = () => {
    legend.replaceChildren();
    unmark();
    state.alone = null;
    const by = select.value;
    if (by === "cluster") {
      byGroups(data.cluster, data.clusters.map((c) => (c.size > 0 ? c.title : null)));
    } else if (by === "confidence") {
      byNumbers(data.confidence.map((v) => v / 1000), "confidence");
    } else {
      const column = data.columns[Number(by)];
      if (column.levels) byGroups(column.values, column.levels);
      else byNumbers(column.values, column.name);
    }
    draw();
  };
  const option = (value, text) => {
    const entry = document.createElement("option");
    entry.value = value;
    entry.textContent = text;
    select.append(entry);
  };

  const place = (i) => [
    view.x + placed.x[i] * view.base * view.scale,
    view.y + (placed.yMost - placed.y[i]) * view.base * view.scale,
  ];
  // What was said of a point does not stay where the point is no more.
  const unmark = () => {
    state.marked = -1;
    document.getElementById("map-tip").hidden = true;
  };
  const fit = () => {
    unmark();
    const box = frame.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    [view.width, view.height] = [Math.max(1, box.width), Math.max(1, box.height)];
    [canvas.width, canvas.height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const margin = 24;
    view.base = Math.min((view.width - 2 * margin) / Math.max(1, placed.xMost), (view.height - 2 * margin) / Math.max(1, placed.yMost));
    view.scale = 1;
    view.x = (view.width - placed.xMost * view.base) / 2;
    view.y = (view.height - placed.yMost * view.base) / 2;
    draw();
  };
  const zoom = (factor, x = view.width / 2, y = view.height / 2) => {
    unmark();
    const scale = Math.max(0.5, Math.min(60, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    draw();
  };
  const move = (dx, dy) => {
    unmark();
    view.x += dx;
    view.y += dy;
    draw();
  };

  const radius = () => (n > 4000 ? 1.9 : n > 800 ? 2.6 : 3.8) * Math.min(2.2, Math.sqrt(view.scale));
  const isShown = (i) => state.alone === null && !legend.querySelector('[aria-pressed="true"]')
    ? true : state.groups === null || state.groups[i] === state.alone;
  const disc = (x, y, r) => {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
  };
  const paint = () => {
    pen.clearRect(0, 0, view.width, view.height);
    const style = getComputedStyle(document.documentElement);
    const r = radius();
    const filtered = Boolean(legend.querySelector('[aria-pressed="true"]'));
    const shown = [];
    pen.globalAlpha = filtered ? 0.16 : 0.78;
    for (let i = 0; i < n; i++) {
      if (filtered && isShown(i)) {
        shown.push(i);
        continue;
      }
      const [x, y] = place(i);
      if (x < -r || y < -r || x > view.width + r || y > view.height + r) continue;
      pen.fillStyle = filtered ? unknown : state.colours[i];
      disc(x, y, r);
      pen.fill();
    }
    pen.globalAlpha = 0.9;
    for (const i of shown) {
      const [x, y] = place(i);
      pen.fillStyle = state.colours[i];
      disc(x, y, r);
      pen.fill();
    }
    pen.globalAlpha = 1;
    if (select.value === "cluster") names(style);
    if (state.marked >= 0) {
      const [x, y] = place(state.marked);
      pen.strokeStyle = style.getPropertyValue("--ink");
      pen.lineWidth = 2;
      disc(x, y, r + 4);
      pen.stroke();
    }
    canvas.dataset.drawn = String(n);
  };
  // The number of each cluster stands where the medians of its points are.
  const names = (style) => {
    pen.font = "600 13px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { cluster, point } of state.centres) {
      const x = view.x + point[0] * view.base * view.scale;
      const y = view.y + (placed.yMost - point[1]) * view.base * view.scale;
      const text = String(cluster);
      pen.beginPath();
      pen.roundRect(x - 7 - 4 * text.length, y - 11, 14 + 8 * text.length, 22, 11);
      pen.fillStyle = style.getPropertyValue("--card");
      pen.fill();
      pen.strokeStyle = colourOf(cluster);
      pen.lineWidth = 2;
      pen.stroke();
      pen.fillStyle = style.getPropertyValue("--ink");
      pen.fillText(text, x, y + 1);
    }
  };
  let waiting = false;
  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };

  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const layOut = (index) => {
    const { x, y } = data.layouts[index];
    Object.assign(placed, { x, y, xMost: extent(x)[1], yMost: extent(y)[1] });
    state.centres = data.clusters.map((_, cluster) => {
      const of = (values) => median(values.filter((_, i) => data.cluster[i] === cluster));
      return { cluster, point: [of(x), of(y)] };
    }).filter(({ point }) => point[0] !== undefined);
    document.querySelectorAll(".map-about").forEach((about, i) => { about.hidden = i !== index; });
    canvas.dataset.layout = data.layouts[index].name;
  };
  layOut(0);
  const layouts = document.getElementById("map-layout");
  if (layouts) {
    layouts.addEventListener("change", () => {
      layOut(Number(layouts.value));
      fit();
    });
  }

  if (data.confidence) option("confidence", "confidence");
  data.columns.forEach((column, i) => option(String(i), column.name));
  select.addEventListener("change", recolour);
  document.getElementById("map-in").addEventListener("click", () => zoom(1.5));
  document.getElementById("map-out").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("map-all").addEventListener("click", fit);
  new ResizeObserver(fit).observe(frame);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  recolour();
  fit();
  return { data, canvas, frame, view, state, place, zoom, move, draw, colourOf, short, isShown };
})();

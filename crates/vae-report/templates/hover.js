// What a point of the map is: for the mouse, for fingers and for the keyboard.
if (reportMap) {
  const { data, canvas, frame, view, state, place, zoom, move, draw, short } = reportMap;
  const tip = document.getElementById("map-tip");
  const said = document.getElementById("map-said");
  const find = document.getElementById("map-find");
  const n = data.rows.length;
  const most = 8;

  const title = (i) => (data.names ? data.names[i] : `row ${(data.rows[i] + 1).toLocaleString("en")}`);
  const valueOf = (column, i) => {
    const v = column.values[i];
    if (v === null) return "missing";
    return column.levels ? column.levels[v] : short(v);
  };
  // The columns that set the point's cluster apart come first.
  const facts = (i) => {
    const cluster = data.clusters[data.cluster[i]];
    const list = [["cluster", cluster.title.replace(/^cluster /, "")]];
    if (data.confidence) list.push(["confidence", (data.confidence[i] / 1000).toFixed(3)]);
    const own = cluster.columns.map((name) => data.columns.find((c) => c.name === name)).filter(Boolean);
    const columns = [...new Set([...data.columns.filter((c) => c.name === "label"), ...own, ...data.columns])];
    for (const column of columns.slice(0, most)) list.push([column.name, valueOf(column, i)]);
    if (columns.length > most) list.push([`and ${columns.length - most} more`, ""]);
    return list;
  };
  // The image or the text of a point, where the page has it.
  const looks = new Map((data.looks ? data.looks.points : []).map((point, index) => [point, index]));
  const sheet = data.looks && data.looks.sheet;
  const grid = new Image();
  if (sheet) grid.src = `data:image/png;base64,${sheet.png}`;
  const look = (i) => {
    const index = looks.get(i);
    if (index === undefined) return [];
    if (!sheet) {
      const text = document.createElement("q");
      text.textContent = data.looks.texts[index];
      return [text];
    }
    const image = document.createElement("canvas");
    image.className = "look";
    [image.width, image.height] = [sheet.width, sheet.height];
    const [left, top] = [(index % sheet.columns) * sheet.width, Math.floor(index / sheet.columns) * sheet.height];
    const paint = () => image.getContext("2d")
      .drawImage(grid, left, top, sheet.width, sheet.height, 0, 0, sheet.width, sheet.height);
    if (grid.complete) paint();
    else grid.addEventListener("load", paint, { once: true });
    return [image];
  };
  const show = (i) => {
    state.marked = i;
    draw();
    if (i < 0) {
      tip.hidden = true;
      said.textContent = "";
      return;
    }
    const strong = document.createElement("strong");
    strong.textContent = title(i);
    const dl = document.createElement("dl");
    for (const [name, value] of facts(i)) {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      [dt.textContent, dd.textContent] = [name, value];
      dl.append(dt, dd);
    }
    tip.replaceChildren(strong, ...look(i), dl);
    tip.hidden = false;
    const [x, y] = place(i);
    const left = x + 14 + tip.offsetWidth > view.width ? x - 14 - tip.offsetWidth : x + 14;
    const top = Math.min(Math.max(6, y - tip.offsetHeight / 2), view.height - tip.offsetHeight - 6);
    tip.style.left = `${Math.max(6, left)}px`;
    tip.style.top = `${Math.max(6, top)}px`;
    said.textContent = `${title(i)}: ${facts(i).map((f) => f.join(" ")).join(", ")}`;
  };
  const nearest = (x, y, within) => {
    let [best, least] = [-1, within * within];
    for (let i = 0; i < n; i++) {
      if (!reportMap.isShown(i)) continue;
      const [px, py] = place(i);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  };
  // The nearest point in a direction, where what lies aside counts twice.
  const next = (dx, dy) => {
    if (state.marked < 0) return nearest(view.width / 2, view.height / 2, Infinity);
    const [x, y] = place(state.marked);
    let [best, least] = [-1, Infinity];
    for (let i = 0; i < n; i++) {
      if (i === state.marked || !reportMap.isShown(i)) continue;
      const [px, py] = place(i);
      const along = (px - x) * dx + (py - y) * dy;
      const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (along > 1 && along + 2 * aside < least) [best, least] = [i, along + 2 * aside];
    }
    return best < 0 ? state.marked : best;
  };

  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = event.pointerType === "mouse" ? at(event) : null;
    if (event.pointerType !== "mouse") show(nearest(...at(event), 30));
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (held && event.buttons === 1) {
      move(x - held[0], y - held[1]);
      held = [x, y];
    } else {
      show(nearest(x, y, 18));
    }
  });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, ...at(event));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => show(next(-1, 0)), ArrowRight: () => show(next(1, 0)),
    ArrowUp: () => show(next(0, -1)), ArrowDown: () => show(next(0, 1)),
    "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), Escape: () => show(-1),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener("blur", () => show(-1));
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    if (!wanted) return show(-1);
    const row = Number(wanted.replace(/^row\s*/, "").replaceAll(",", "")) - 1;
    const exact = data.names ? data.names.findIndex((name) => name.toLowerCase() === wanted) : -1;
    const part = data.names ? data.names.findIndex((name) => name.toLowerCase().includes(wanted)) : -1;
    const found = [exact, data.rows.indexOf(row), part].find((i) => i >= 0);
    show(found === undefined ? -1 : found);
    if (found === undefined) said.textContent = "no such row on the map";
  });
}

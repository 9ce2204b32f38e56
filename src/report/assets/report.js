"use strict";
(function () {
  const data = JSON.parse(document.getElementById("points").textContent);
  const plot = document.getElementById("plot");
  const svg = plot.querySelector("svg");
  const card = document.getElementById("card");
  const ring = svg.querySelector(".ring");
  const front = svg.querySelector(".front");
  const legend = document.getElementById("legend");
  const buttons = [...legend.querySelectorAll("[data-label]")];
  const all = document.getElementById("all");
  const axes = [document.getElementById("axis-x"), document.getElementById("axis-y")];
  const { width, height } = svg.viewBox.baseVal;
  const edge = Number(svg.dataset.edge);
  const units = Number(svg.dataset.units);
  const styled = 12;
  const count = data.path.length;
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  const pressed = new Set();
  let chosen = -1;

  const visible = (point) => pressed.size === 0 || pressed.has(data.label[point]);
  const place = (axis, point) => (data.score[axis] ? data.score[axis][point] / units : 0.5);
  const text = (id) => document.getElementById(id).textContent;

  function draw() {
    const paths = Array.from({ length: styled + 1 }, () => "");
    let brought = "";
    for (let i = 0; i < count; i++) {
      x[i] = edge + (width - 2 * edge) * place(axes[0].value, i);
      y[i] = height - edge - (height - 2 * edge) * place(axes[1].value, i);
      const mark = Math.min(data.label[i], styled);
      const left = x[i].toFixed(1);
      const triangle = mark >= styled / 2 && mark < styled;
      paths[mark] += triangle ? `M${left} ${(y[i] - 8).toFixed(1)}l7 12h-14z` : `M${left} ${y[i].toFixed(1)}h0`;
      if (mark === styled && pressed.has(data.label[i])) brought += `M${left} ${y[i].toFixed(1)}h0`;
    }
    paths.forEach((path, mark) => {
      const element = svg.querySelector(".m" + mark);
      if (!element) return;
      element.setAttribute("d", path);
      element.classList.toggle("on", pressed.has(mark) && mark < styled);
    });
    front.setAttribute("d", brought);
    svg.classList.toggle("filtered", pressed.size > 0);
  }

  function hide() {
    chosen = -1;
    card.hidden = true;
    ring.setAttribute("cx", -99);
  }

  function line(tag, content) {
    const element = document.createElement(tag);
    const inner = document.createElement("bdi");
    inner.textContent = content;
    element.append(inner);
    return element;
  }

  function show(point) {
    if (point < 0) return hide();
    if (point === chosen) return;
    chosen = point;
    ring.setAttribute("cx", x[point]);
    ring.setAttribute("cy", y[point]);
    card.replaceChildren();
    const name = data.labels[data.label[point]];
    if (data.thumb[point]) {
      const image = document.createElement("img");
      image.src = "data:image/jpeg;base64," + data.thumb[point];
      image.alt = data.path[point];
      card.append(image);
    }
    card.append(line("strong", name === null ? text("no-label") : name), line("div", data.path[point]));
    if (!data.thumb[point]) card.append(line("small", text("no-picture")));
    card.hidden = false;
    const scale = svg.clientWidth / width;
    const left = x[point] * scale;
    const top = y[point] * scale;
    const room = svg.clientWidth - card.offsetWidth;
    card.style.left = Math.max(0, Math.min(room, left > svg.clientWidth / 2 ? left - card.offsetWidth - 14 : left + 14)) + "px";
    card.style.top = Math.max(0, Math.min(svg.clientHeight - card.offsetHeight, top - card.offsetHeight / 2)) + "px";
  }

  function nearest(event, reach) {
    const box = svg.getBoundingClientRect();
    const scale = width / box.width;
    const left = (event.clientX - box.left) * scale;
    const top = (event.clientY - box.top) * scale;
    let best = -1;
    let least = (reach * scale) ** 2;
    for (let i = 0; i < count; i++) {
      const distance = (x[i] - left) ** 2 + (y[i] - top) ** 2;
      if (distance < least && visible(i)) [best, least] = [i, distance];
    }
    return best;
  }

  /* The next photo with a picture (or any, if none has one) along an axis. */
  function step(values, forward) {
    const pictures = Object.keys(data.thumb).length > 0;
    const order = [...Array(count).keys()]
      .filter((i) => visible(i) && (i === chosen || !pictures || data.thumb[i]))
      .sort((a, b) => values[a] - values[b] || a - b);
    if (order.length === 0) return;
    const at = order.indexOf(chosen);
    const next = at < 0 ? (forward ? 0 : order.length - 1) : at + (forward ? 1 : -1);
    show(order[Math.max(0, Math.min(order.length - 1, next))]);
  }

  const keys = { ArrowRight: [x, true], ArrowLeft: [x, false], ArrowDown: [y, true], ArrowUp: [y, false] };
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (!keys[event.key]) return;
    event.preventDefault();
    step(...keys[event.key]);
  });
  plot.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") show(nearest(event, 18)); });
  plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
  plot.addEventListener("click", (event) => show(nearest(event, 30)));
  plot.addEventListener("blur", hide);

  function press(label) {
    if (label === null) pressed.clear();
    else if (!pressed.delete(label)) pressed.add(label);
    for (const button of buttons) button.setAttribute("aria-pressed", pressed.has(Number(button.dataset.label)));
    all.hidden = pressed.size === 0;
    hide();
    draw();
  }
  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener("click", () => press(Number(button.dataset.label)));
  }
  all.addEventListener("click", () => press(null));
  for (const axis of axes) {
    axis.disabled = axis.length < 2;
    axis.addEventListener("change", () => { hide(); draw(); });
  }
  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
  draw();
})();

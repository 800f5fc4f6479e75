/* Charts: the pointer and the arrow keys move along the points, and a tooltip shows what stands there.
   The drawing itself comes from the server; without this file the numbers are in the table below each chart. */
(() => {
  "use strict";

  let tip = null;

  const pointsOf = (chart) => [...chart.querySelectorAll(".chart-point")];

  const make = (tag, css, text) => {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  function fill(point) {
    const written = point.dataset.tip ? JSON.parse(point.dataset.tip) : { title: point.getAttribute("aria-label"), rows: [], sum: "" };
    tip.replaceChildren(make("div", "chart-tip-title", written.title));
    for (const [css, name, value] of written.rows) {
      const row = make("div", "chart-tip-row");
      row.append(make("span", `key ${css}`), make("span", "chart-tip-name", name), make("span", "chart-tip-value", value));
      tip.append(row);
    }
    if (written.sum) {
      const row = make("div", "chart-tip-row chart-tip-sum");
      row.append(make("span", "chart-tip-name", "Total"), make("span", "chart-tip-value", written.sum));
      tip.append(row);
    }
  }

  function place(point) {
    const at = (point.querySelector(".chart-hit") || point).getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const beside = at.right + 8 + size.width < window.innerWidth ? at.right + 8 : at.left - 8 - size.width;
    tip.style.left = `${Math.max(8, Math.min(beside, window.innerWidth - size.width - 8))}px`;
    tip.style.top = `${Math.max(8, Math.min(at.top, window.innerHeight - size.height - 8))}px`;
  }

  function show(point) {
    if (!tip || !tip.isConnected) {
      tip = make("div", "chart-tip");
      tip.setAttribute("aria-hidden", "true");
      document.body.append(tip);
    }
    fill(point);
    tip.hidden = false;
    place(point);
  }

  const hide = () => {
    if (tip) tip.hidden = true;
  };

  const pointUnder = (event) => (event.target.closest ? event.target.closest("[data-chart] .chart-point") : null);

  function move(chart, from, key) {
    const points = pointsOf(chart);
    const last = points.length - 1;
    const here = points.indexOf(from);
    const next = { ArrowLeft: Math.max(here - 1, 0), ArrowRight: Math.min(here + 1, last), Home: 0, End: last }[key];
    if (next === undefined) return false;
    points.forEach((point, index) => point.setAttribute("tabindex", index === next ? "0" : "-1"));
    points[next].focus();
    return true;
  }

  document.addEventListener("pointerover", (event) => {
    const point = pointUnder(event);
    if (point) show(point);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const point = pointUnder(event);
    if (point) show(point);
    else hide();
  });
  document.addEventListener("focusout", hide);
  window.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("htmx:beforeSwap", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const point = pointUnder(event);
    if (point && !event.ctrlKey && !event.metaKey && !event.altKey && move(point.closest("[data-chart]"), point, event.key)) {
      event.preventDefault();
    }
  });
})();

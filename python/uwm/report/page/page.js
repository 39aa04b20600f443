"use strict";
// Draws each plot and table once it comes into view, in the colours of the page, and switches
// lines on and off.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)");
  const drawn = new Map(); // plots by the id of their place

  const variable = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // The canvas knows no style sheet.
  function paint(plot) {
    const [page, ink, line] = ["--page", "--ink", "--line"].map(variable);
    plot.setv({ background_fill_color: page, border_fill_color: page, border_line_color: page });
    for (const panel of [...plot.below, ...plot.left]) {
      panel.setv({
        axis_label_text_color: ink, major_label_text_color: ink,
        axis_line_color: line, major_tick_line_color: line,
      });
    }
    for (const grid of plot.center) grid.setv({ grid_line_color: line, grid_line_alpha: 0.6 });
    for (const renderer of plot.renderers) {
      const colour = renderer.tags[dark.matches ? 4 : 3];
      const glyph = renderer.glyph;
      for (const name of ["line_color", "fill_color"]) {
        if (name in glyph.properties) glyph.setv({ [name]: colour });
      }
    }
  }

  function show(place) {
    const plot = drawn.get(place.dataset.plot);
    const on = (selector) => place.querySelector(selector)?.checked ?? true;
    const seeds = place.querySelector(".seeds");
    if (seeds) seeds.hidden = !on('[data-part="seed"]');
    if (!plot) return;
    for (const renderer of plot.renderers) {
      const [group, part, seeds, , , opaque] = renderer.tags;
      renderer.visible = on(`[data-group="${group}"]`) && on(`[data-part="${part}"]`);
      if (part === "seed") {
        const source = renderer.data_source;
        const alpha = seeds.map((seed) => (on(`[data-seed="${seed}"]`) ? opaque : 0));
        source.data = { ...source.data, alpha };
      }
    }
  }

  async function draw(place) {
    const json = document.querySelector(`script[data-for="${place.id}"]`);
    const views = await Bokeh.embed.embed_item(JSON.parse(json.textContent), place.id);
    json.remove();
    if (place.classList.contains("plot")) {
      const plot = [...views][0].model;
      drawn.set(place.id, plot);
      if (coarse.matches) plot.toolbar.active_drag = null; // a finger scrolls the page
      if (innerWidth < 640) plot.height = 320;
      paint(plot);
      const switches = document.querySelector(`[data-plot="${place.id}"]`);
      if (switches) show(switches);
    }
    place.style.minHeight = "";
    place.dataset.drawn = "1";
  }

  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "600px" });
  for (const place of document.querySelectorAll(".plot, .table")) watch.observe(place);

  for (const place of document.querySelectorAll(".switches")) {
    place.addEventListener("change", () => show(place));
    for (const button of place.querySelectorAll("[data-all]")) {
      button.addEventListener("click", () => {
        for (const box of place.querySelectorAll("[data-group]")) {
          box.checked = button.dataset.all === "1";
        }
        show(place);
      });
    }
  }
  dark.addEventListener("change", () => drawn.forEach(paint));
})();

"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const phone = () => innerWidth <= 600;
  const sheet = 680; // pixels across a printed page
  let ready = false;
  let printed = false;

  const coloured = (value, style) => {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map((item) => coloured(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  };

  // The names of layers leave room for the bars on a narrow screen.
  const narrowed = (layout) => {
    const ticks = layout.yaxis && layout.yaxis.ticktext;
    if (!phone() || !ticks) return layout;
    const short = (text) => (text.length <= 15 || text.includes("&") ? text : `${text.slice(0, 4)}…${text.slice(-10)}`);
    return { ...layout, yaxis: { ...layout.yaxis, ticktext: ticks.map(short) } };
  };

  const chosen = (figure) => {
    const radio = document.querySelector(`input[name="${figure.key}"]:checked`);
    return radio ? Number(radio.value) : 0;
  };

  const draw = () => {
    if (!ready) return;
    const style = getComputedStyle(root);
    for (const figure of figures) {
      const { data, layout } = coloured({ data: figure.data, layout: narrowed(figure.layout) }, style);
      if (figure.choices.length) data.forEach((trace, i) => { trace.visible = i === chosen(figure); });
      const family = getComputedStyle(document.body).fontFamily;
      const made = { ...layout, font: { ...layout.font, family }, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom" };
      if (printed) made.width = sheet;
      const options = { responsive: true, displayModeBar: false };
      Plotly.react(`${figure.key}-plot`, data, made, options);
    }
  };

  const show = (theme) => {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    draw();
  };

  const unpack = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  button.hidden = false;
  button.addEventListener("click", () => show(root.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => show(dark.matches ? "dark" : "light"));
  for (const figure of figures.filter((f) => f.choices.length > 1)) {
    for (const radio of document.getElementsByName(figure.key)) radio.addEventListener("change", draw);
  }
  let screen = "";
  const printing = (begin) => {
    printed = begin;
    if (begin) screen = root.dataset.theme;
    show(begin ? "light" : screen);
  };
  addEventListener("beforeprint", () => printing(true));
  addEventListener("afterprint", () => printing(false));
  show(dark.matches ? "dark" : "light");

  unpack(document.getElementById("plotly").textContent).then((source) => {
    const script = document.createElement("script");
    script.textContent = source;
    document.head.append(script);
    ready = true;
    draw();
    root.dataset.drawn = "yes";
  });
})();

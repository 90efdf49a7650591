(() => {
  const config = {{ page_config | tojson }};
  const pages = JSON.parse(document.getElementById("run-pages").textContent);
  const buttons = [...document.querySelectorAll(".legend button")];
  const ring = document.getElementById("ring");
  const said = document.getElementById("said");
  const shown = () => buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.series);
  const panels = [...document.querySelectorAll(".panel")];
  const views = new Map();

  const unpacked = async (id) => {
    const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  let specs;

  const open = (item) => {
    const [prefix, run] = (pages.runs[item?.datum?.run] || "").split(" ");
    if (run) window.open(pages.prefixes[prefix] + run, "_blank", "noopener");
  };

  const draw = async (panel) => {
    if (panel.dataset.drawn) return;
    panel.dataset.drawn = "begun";
    const spec = specs[panels.indexOf(panel)];
    delete spec.description;
    spec.params = [{ name: "shown", value: shown() }];
    const place = document.createElement("div");
    // Screen readers get the label of the panel, and its marks by the arrow keys.
    place.ariaHidden = "true";
    panel.append(place);
    const { view } = await vegaEmbed(place, spec, { config, renderer: "svg", actions: false, ast: false });
    view.addEventListener("click", (event, item) => open(item));
    views.set(panel, view);
    panel.dataset.drawn = "yes";
  };

  // The marks with a value, in the order of the series.
  const marks = (panel) => [...panel.querySelectorAll("path, line")].filter((mark) => mark.__data__?.tooltip);
  const leave = (panel) => {
    ring.hidden = true;
    delete panel.dataset.at;
    views.get(panel)?.tooltip()(null, null, null, null);
  };
  const reach = (panel, at) => {
    const mark = marks(panel)[at];
    const item = mark.__data__;
    const box = mark.getBoundingClientRect();
    panel.dataset.at = at;
    ring.hidden = false;
    ring.style.left = `${box.x + box.width / 2 + scrollX}px`;
    ring.style.top = `${box.y + box.height / 2 + scrollY}px`;
    views.get(panel).tooltip()(null, { clientX: box.right, clientY: box.bottom }, item, item.tooltip);
    said.textContent = Object.entries(item.tooltip).map(([name, value]) => `${name} ${value}`).join(", ");
  };
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  for (const panel of panels) {
    panel.addEventListener("keydown", (event) => {
      const last = marks(panel).length - 1;
      const at = "at" in panel.dataset ? Number(panel.dataset.at) : -1;
      if (event.key in steps && last >= 0 && !event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        reach(panel, Math.max(0, Math.min(last, at + steps[event.key])));
      } else if (event.key === "Enter" && at >= 0) {
        open(marks(panel)[at]?.__data__);
      } else if (event.key === "Escape") {
        leave(panel);
      }
    });
    panel.addEventListener("blur", () => leave(panel));
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      for (const view of views.values()) view.signal("shown", shown()).runAsync();
    });
  }

  // Those in sight at once, the others one by one, so that the page stays responsive.
  const near = new IntersectionObserver((seen) => seen.filter((s) => s.isIntersecting).forEach((s) => draw(s.target)));
  const begin = async () => {
    const library = document.createElement("script");
    library.textContent = await unpacked("library");
    specs = JSON.parse(await unpacked("panels"));
    document.head.append(library);
    panels.forEach((panel) => near.observe(panel));
    for (const panel of panels) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await draw(panel);
    }
    document.documentElement.dataset.drawn = "yes";
  };
  begin();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
})();

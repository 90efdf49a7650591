(() => {
  const config = {{ page_config | tojson }};
  const buttons = [...document.querySelectorAll(".legend button")];
  const shown = () => buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.series);
  const views = [];
  const draw = async (panel) => {
    const spec = JSON.parse(panel.querySelector("script").textContent);
    spec.params = [{ name: "shown", value: shown() }];
    const place = document.createElement("div");
    panel.append(place);
    const { view } = await vegaEmbed(place, spec, { config, renderer: "svg", actions: false, ast: false });
    views.push(view);
    panel.dataset.drawn = "yes";
  };
  const update = (view) => view.signal("shown", shown()).runAsync();
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      views.forEach(update);
    });
  }
  Promise.all([...document.querySelectorAll(".panel")].map(draw)).then(() => {
    document.documentElement.dataset.drawn = "yes";
    views.forEach(update);
  });
})();

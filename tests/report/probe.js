// Does what a reader of the page does, and returns what came of it.
async () => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  // Of words in a cell of a heat map: the cell.
  const cell = (element) => {
    const own = element.__data__?.datum;
    if (own?.test_lag === undefined || element.tagName !== "text") return null;
    const same = (other) => other?.said !== undefined && other.lag === own.lag && other.test_lag === own.test_lag;
    const found = [...element.closest(".panel").querySelectorAll("path")].find((mark) => same(mark.__data__?.datum));
    return found && getComputedStyle(found).fill;
  };
  const behind = (element) => {
    if (cell(element)) return cell(element);
    while (element && /rgba\(.*, 0\)/.test(getComputedStyle(element).backgroundColor)) element = element.parentElement;
    return getComputedStyle(element || document.body).backgroundColor;
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const faint = () =>
    [...document.querySelectorAll("body *:not(script):not(style)")]
      .filter((element) => hasText(element) && element.getClientRects().length)
      .filter((element) => {
        const style = getComputedStyle(element);
        return contrast(element.closest("svg") ? style.fill : style.color, behind(element)) < 4.5;
      })
      .map((element) => element.outerHTML.slice(0, 120));
  const press = (panel, key) => panel.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const next = () => new Promise((resolve) => setTimeout(resolve, 300));
  const marks = () => [...document.querySelectorAll(".panel path")].filter((mark) => mark.__data__?.datum?.series === "lstm");

  while (document.documentElement.dataset.drawn !== "yes") await next();

  const found = { width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches };
  document.querySelectorAll("details").forEach((details) => (details.open = true));
  found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  found.faint = faint();
  found.silent = [];
  const said = document.getElementById("said");
  for (const panel of document.querySelectorAll(".panel")) {
    said.textContent = "";
    panel.focus();
    press(panel, "ArrowRight");
    if (document.activeElement !== panel || !/\d/.test(said.textContent)) found.silent.push(panel.ariaLabel.slice(0, 80));
  }
  const first = document.querySelector(".panel");
  first.focus();
  press(first, "Home");
  found.said = said.textContent;
  found.tooltip = document.getElementById("vg-tooltip-element")?.innerText || "";
  found.opened = [];
  window.open = (address) => found.opened.push(address);
  press(first, "Enter");
  const pointed = [...document.querySelectorAll(".panel path")].find((mark) => mark.__data__?.datum?.run !== undefined && mark.__data__.datum.run !== "");
  const box = pointed.getBoundingClientRect();
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
  pointed.dispatchEvent(new MouseEvent("mousemove", at));
  pointed.dispatchEvent(new MouseEvent("click", at));
  found.before = marks().length;
  const button = document.querySelector('.legend button[data-series="lstm"]');
  button.focus();
  button.click();
  await next();
  found.hidden = [marks().length, button.getAttribute("aria-pressed")];
  found.panels = document.querySelectorAll(".panel").length;
  found.drawn = document.querySelectorAll('.panel[data-drawn="yes"] svg').length;
  found.title = document.title;
  return found;
}

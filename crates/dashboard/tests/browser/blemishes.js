(() => {
  const found = [];
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const color = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const light = ({ r, g, b }) => {
    const one = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const back = color(getComputedStyle(it).backgroundColor);
      if (back.a === 1) return back;
    }
    return color(getComputedStyle(document.body).backgroundColor);
  };
  const isShown = (element) => element.checkVisibility() && !element.closest("svg, option, .skip, :disabled");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !isShown(element)) continue;
    const style = getComputedStyle(element.classList.contains("cell") ? element : element, element.classList.contains("cell") ? "::first-line" : null);
    const ratio = contrast(color(style.color), behind(element));
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${node.data.trim().slice(0, 60)} (${element.className})`);
  }
  for (const it of document.querySelectorAll("a, button, input, select, textarea, [role=button]")) {
    if (!it.checkVisibility()) continue;
    if (it.tabIndex < 0) found.push(`not reached by the keyboard: ${it.outerHTML.slice(0, 120)}`);
    const name = it.getAttribute("aria-label") ?? (it.textContent.trim() || [...(it.labels ?? [])].map((label) => label.textContent.trim()).join(""));
    if (!name) found.push(`without a name: ${it.outerHTML.slice(0, 120)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length) found.push(`ids that are there twice: ${twice}`);
  return found;
})()

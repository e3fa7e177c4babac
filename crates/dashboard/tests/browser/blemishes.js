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
  // The texts of the picture stand on the shape before them, on their step's box, or on the page.
  for (const it of document.querySelectorAll("svg text")) {
    const before = it.previousElementSibling;
    const shape = before?.matches("circle, .pill") ? before : it.closest("[data-step], .more")?.querySelector(".box") ?? it.closest("svg").querySelector(".page");
    const fill = (of) => color(getComputedStyle(of).fill);
    const ratio = contrast(fill(it), fill(shape));
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${it.textContent.slice(0, 60)} (in the picture, ${it.getAttribute("class")})`);
  }
  // What says something without a text needs less.
  const page = color(getComputedStyle(document.body).backgroundColor);
  for (const it of document.querySelectorAll(".lane-bars rect")) {
    const ratio = contrast(color(getComputedStyle(it).fill), page);
    if (ratio < 3) found.push(`contrast ${ratio.toFixed(2)}: a bar (${it.getAttribute("class")})`);
  }
  for (const it of document.querySelectorAll("input, select, textarea")) {
    if (!it.checkVisibility()) continue;
    const ratio = contrast(color(getComputedStyle(it).borderTopColor), behind(it.parentElement));
    if (ratio < 3) found.push(`contrast ${ratio.toFixed(2)}: the border of ${it.outerHTML.slice(0, 80)}`);
    const hint = it.placeholder && contrast(color(getComputedStyle(it, "::placeholder").color), behind(it));
    if (hint && hint < 4.5) found.push(`contrast ${hint.toFixed(2)}: ${it.placeholder} (placeholder)`);
  }
  for (const it of document.querySelectorAll("a, button, input, select, textarea, [role=button]")) {
    if (!it.checkVisibility()) continue;
    const name = it.getAttribute("aria-label") ?? (it.textContent.trim() || [...(it.labels ?? [])].map((label) => label.textContent.trim()).join(""));
    if (!name) found.push(`without a name: ${it.outerHTML.slice(0, 120)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length) found.push(`ids that are there twice: ${twice}`);
  return found;
})()

// What a walk with the keyboard asks the page.
globalThis.walk ??= (() => {
  // A live page draws its controls again and again: one is known by what it is and says.
  const sign = (it) => it.id ? `#${it.id}`
    : [it.localName, it.className, it.getAttribute("href") ?? it.getAttribute("aria-label") ?? it.textContent.trim().slice(0, 60)].join(" ");
  const color = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(color(a)), light(color(b))].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const page = () => getComputedStyle(document.body).backgroundColor;
  const trouble = (it) => {
    const style = getComputedStyle(it), found = [];
    const box = it.ownerSVGElement && it.querySelector(".box");
    if (box ? getComputedStyle(box).strokeWidth !== "4px" : style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) found.push("no outline");
    const ring = box ? getComputedStyle(box).stroke : style.outlineColor;
    if (contrast(ring, page()) < 3) found.push(`an outline that is hard to see, ${ring}`);
    const { left, right, top, bottom } = it.getBoundingClientRect();
    const [a, b, c, d] = [Math.max(left, 0), Math.min(right, innerWidth), Math.max(top, 0), Math.min(bottom, innerHeight)];
    if (b - a < 1 || d - c < 1) found.push("out of sight");
    else {
      const there = document.elementFromPoint((a + b) / 2, (c + d) / 2);
      if (!there || !(it.contains(there) || there.contains(it) || there.closest("label")?.contains(it))) found.push(`behind ${there && sign(there)}`);
    }
    return found.map((what) => `${sign(it)}: ${what}`);
  };
  return {
    begin: () => {
      document.querySelector("a, button, input").focus();
      scrollTo(0, 0);
    },
    // The controls of the page, or of its dialog, that can be used now.
    controls: () => {
      const root = document.querySelector("dialog[open]") ?? document;
      const all = root.querySelectorAll("a, button, input, select, textarea, summary, [role=button], [tabindex='0']");
      return [...all].filter((it) => it.checkVisibility() && !it.disabled).map(sign);
    },
    focused: () => {
      const it = document.activeElement;
      return it === document.body || it === document.documentElement ? { sign: null, trouble: [] } : { sign: sign(it), trouble: trouble(it) };
    },
  };
})();

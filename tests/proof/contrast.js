// How each visible piece of text stands out from what is behind it: WCAG 2.2, 1.4.3, worked out
// from computed styles. axe-core does much the same, but leaves what it is unsure of to a human.
() => {
  const parse = (text) => {
    const srgb = text.match(/^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)(?: \/ ([\d.]+))?\)$/);
    if (srgb) return [...srgb.slice(1, 4).map((part) => 255 * part), +(srgb[4] ?? 1)];
    const parts = text.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
    if (!parts) throw new Error(`a colour of an unknown form: ${text}`);
    return [+parts[1], +parts[2], +parts[3], +(parts[4] ?? 1)];
  };
  const over = (top, below) =>
    [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const colour = parse(style.backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    // Below all is the client's own page: white, or near black where it is dark.
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return layers.reduceRight((below, top) => over(top, below), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const hex = (colour) => "#" + colour.slice(0, 3)
    .map((part) => Math.round(part).toString(16).padStart(2, "0")).join("");

  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    // Padding of the preheader, cells that only hold a rule.
    const text = node.data.replace(/[\s\u034f\u200b-\u200f\u00a0\ufeff\u2800]+/g, " ").trim();
    const element = node.parentElement;
    if (!text || ["SCRIPT", "STYLE", "TITLE", "NOSCRIPT", "TEMPLATE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (style.visibility !== "visible" || box.width < 1 || box.height < 1) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const ground = behind(element);
    const ink = ground && over(parse(style.color), ground);
    const [a, b] = ground ? [luminance(ink), luminance(ground)] : [0, 0];
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight, 10) >= 700);
    found.push({
      text: text.slice(0, 60), size, large,
      ink: ground ? hex(ink) : "", ground: ground ? hex(ground) : "a picture",
      ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
      wanted: large ? 3 : 4.5,
    });
  }
  return found;
}

// What is wrong with a page as it is rendered: a list of sentences, none where all is well.
//
// Text: covered by other text, cut through or outside the page, too faint (WCAG 2.1 AA, 1.4.3).
// Marks of charts: too faint (1.4.11). The page: wider than its window.
(() => {
  const wrong = [];
  const shown = (node) => node.textContent.trim().slice(0, 40);

  const colour = (value) => {
    const [r, g, b, a = 1] = value.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(colour(getComputedStyle(e).backgroundColor));
      if (layers.at(-1).a === 1) break;
    }
    return layers.reduceRight((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  // The part of a rectangle that no ancestor cuts off.
  const seen = (rect, element) => {
    let { left, top, right, bottom } = rect;
    for (let e = element; e; e = e.parentElement) {
      if (getComputedStyle(e).overflow === 'visible') continue;
      const box = e.getBoundingClientRect();
      left = Math.max(left, box.left);
      top = Math.max(top, box.top);
      right = Math.min(right, box.right);
      bottom = Math.min(bottom, box.bottom);
    }
    return { left, top, right, bottom };
  };
  const area = (r) => Math.max(r.right - r.left, 0) * Math.max(r.bottom - r.top, 0);

  if (document.documentElement.scrollWidth > innerWidth) {
    wrong.push(`the page is ${document.documentElement.scrollWidth} wide in ${innerWidth}`);
  }
  const pieces = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest('svg') || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    let any = false;
    for (const rect of range.getClientRects()) {
      if (rect.width < 1) continue;
      const part = seen(rect, element);
      const share = area(part) / (rect.width * rect.height);
      if (share < 0.2) continue;
      any = true;
      if (share < 0.85) wrong.push(`cut: ${shown(node)}`);
      if (rect.left < -0.5 || rect.right > innerWidth + 0.5) wrong.push(`outside: ${shown(node)}`);
      const box = element.closest('section, header, details, footer').getBoundingClientRect();
      if (part.left < box.left - 0.5 || part.right > box.right + 0.5 || part.bottom > box.bottom + 2) {
        wrong.push(`out of its box: ${shown(node)}`);
      }
      pieces.push({ ...part, node });
    }
    if (!any) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(colour(style.color), ground(element)), ground(element));
    if (ratio < (large ? 3 : 4.5)) wrong.push(`faint (${ratio.toFixed(2)}): ${shown(node)}`);
  }

  pieces.sort((a, b) => a.top - b.top);
  pieces.forEach((one, i) => {
    for (let j = i + 1; j < pieces.length && pieces[j].top < one.bottom - 3; j++) {
      const other = pieces[j];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      // The box of a letter is higher than the letter.
      if (across > 1 && down > 5 && one.node !== other.node) wrong.push(`covered: ${shown(one.node)} / ${shown(other.node)}`);
    }
  });

  for (const lane of document.querySelectorAll('.lane')) {
    const boxes = [...lane.querySelectorAll('.chip')].map((c) => c.getBoundingClientRect());
    boxes.sort((a, b) => a.left - b.left);
    boxes.forEach((box, i) => {
      if (i && box.left < boxes[i - 1].right) wrong.push(`covered: ${shown(lane)} at ${box.left}`);
    });
  }

  for (const mark of document.querySelectorAll(
    '.plot path.line, .plot path.bars, .plot rect.lane, .plot rect.nobody, .plot rect.both, .bar, .struck')) {
    const style = getComputedStyle(mark);
    const edge = parseFloat(style.borderTopWidth) ? style.borderTopColor : '';
    const own = mark.closest('svg') ? [style.stroke, style.fill] : [style.backgroundColor, edge];
    if (style.backgroundImage !== 'none') own.push(style.outlineColor);
    const paints = own.filter((paint) => paint.startsWith('rgb') && colour(paint).a === 1);
    const ratios = paints.map((paint) => contrast(colour(paint), ground(mark.parentElement)));
    if (!ratios.some((ratio) => ratio >= 3)) wrong.push(`faint mark: ${mark.getAttribute('class')}`);
  }
  return [...new Set(wrong)];
})()

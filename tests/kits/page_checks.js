// What page_kit.py asks of a page in the browser; each returns what is wrong.
const overlaps = () => {
  const inside = (box, frame) => {
    const left = Math.max(box.left, frame.left), right = Math.min(box.right, frame.right);
    const top = Math.max(box.top, frame.top), bottom = Math.min(box.bottom, frame.bottom);
    return { left, right, top, bottom };
  };
  const found = [];
  const add = (text, box, group) => {
    const high = box.bottom - box.top;  // boxes of lines are higher than their letters
    const shrunk = { left: box.left + 1, right: box.right - 1, top: box.top + 0.2 * high, bottom: box.bottom - 0.2 * high };
    if (shrunk.right > shrunk.left && shrunk.bottom > shrunk.top) found.push({ text, group, ...shrunk });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement, text = node.textContent.trim();
    if (!text || parent.closest(".hidden, .skip, script, desc, title") || !parent.checkVisibility()) continue;
    if (parent.closest("svg")) { add(text, parent.getBoundingClientRect(), parent.closest("svg").ariaLabelledBy); continue; }
    const frame = parent.closest(".scroll, pre, .main thead");
    if (frame && frame.matches("thead") && frame.getBoundingClientRect().width < 2) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(text, frame ? inside(box, frame.getBoundingClientRect()) : box, null);
  }
  found.sort((a, b) => a.top - b.top);
  const pairs = [];
  for (let i = 0; i < found.length; i++)
    for (let j = i + 1; j < found.length && found[j].top < found[i].bottom; j++)
      if (found[i].left < found[j].right && found[j].left < found[i].right)
        pairs.push(`${found[i].text.slice(0, 40)} | ${found[j].text.slice(0, 40)}`);
  return pairs.slice(0, 20);
};
const wider = () => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const outside = [...document.querySelectorAll("body *")].filter(
    (element) => element.getBoundingClientRect().right > width + 1 && !element.parentElement.closest(".scroll, pre"));
  return [`${document.documentElement.scrollWidth} px`, ...outside.slice(0, 8).map((element) => element.outerHTML.slice(0, 120))];
};
const sorting = () => {
  const wrong = [];
  let pressed = 0;
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], name = table.caption.textContent, before = body.rows.length;
    const last = [...body.rows].slice(before - Number(table.dataset.last)).map((row) => row.textContent);
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = heading.querySelector("button");
      for (const round of [1, 2]) {
        button.click();
        pressed++;
        const sort = heading.getAttribute("aria-sort");
        if (table.querySelectorAll("th[aria-sort]").length !== 1) wrong.push(`${name}: not one column is marked`);
        const rows = [...body.rows].slice(0, before - last.length);
        const numbers = rows.map((row) => row.cells[column].dataset.value).filter((text) => text !== undefined).map(Number);
        const sign = sort === "ascending" ? 1 : -1;
        if (numbers.some((value, k) => k && sign * value < sign * numbers[k - 1])) wrong.push(`${name}, ${button.textContent}: ${sort}`);
        if (round === 2 && sort !== "ascending" && sort !== "descending") wrong.push(`${name}: ${sort}`);
      }
    });
    if (body.rows.length !== before) wrong.push(`${name}: rows are lost`);
    const end = [...body.rows].slice(before - last.length).map((row) => row.textContent);
    if (String(end) !== String(last)) wrong.push(`${name}: its last rows moved`);
  }
  return { pressed, wrong };
};

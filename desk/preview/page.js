"use strict";
// What is chosen lives in the address, so a view can be shared and survives a reload.
const $ = (id) => document.getElementById(id);
const form = $("controls"), frame = $("digest"), web = $("web"), grip = $("grip");
const tabs = [...document.querySelectorAll("[role=tab]")];
const usual = { width: "600", scheme: "light", images: "on", look: "", locale: "", reader: "", tab: "digest", line: "" };
const EXPLAIN = {
  light: "",
  dark: "Dark by the mail’s own rules, as Apple Mail shows it.",
  forced: "All colours turned round, roughly as Gmail on iOS does.",
};
let choice = { ...usual }, state = null, found = [], asked = 0, framed = "", webbed = "";

const number = (n) => n.toLocaleString("en");
const counted = (n, what) => `${number(n)} ${what}${n === 1 ? "" : "s"}`;
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// The address ------------------------------------------------------------------------------------
function readAddress() {
  choice = { ...usual };
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (name in usual) choice[name] = value;
  }
  const width = Number(choice.width);
  choice.width = width >= 240 && width <= 1400 ? String(Math.round(width)) : usual.width;
  if (!(choice.scheme in EXPLAIN)) choice.scheme = usual.scheme;
  if (!tabs.some((tab) => tab.dataset.tab === choice.tab)) choice.tab = usual.tab;
}
function writeAddress() {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(choice)) if (value !== usual[name]) words.set(name, value);
  history.replaceState(null, "", `${location.pathname}${words.size ? `#${words}` : ""}`);
}
function query(...names) {
  const words = new URLSearchParams();
  for (const name of names) if (choice[name] !== usual[name]) words.set(name, choice[name]);
  return words;
}
const made = () => query("look", "locale", "reader");

// Asking -----------------------------------------------------------------------------------------
async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}
async function refresh() {
  const mine = ++asked;
  let next;
  try {
    next = await (await ask(`state.json?${made()}`)).json();
  } catch {
    if (mine === asked) $("status").textContent = "The preview does not answer.";
    return;
  }
  // The editor may have chosen something else while this was on its way.
  if (mine !== asked) return;
  // Of another version, the line may be another one.
  if (state && state.version !== next.version) choice.line = "";
  state = next;
  showState();
  await showPanel(mine);
  await findOut(mine);
}
async function findOut(mine) {
  let next = [];
  if (!$("findings").childElementCount) $("findings").replaceChildren(make("p", { textContent: "Looking …" }));
  try {
    if (state.digest) next = await (await ask(`findings.json?${made()}`)).json();
  } catch {
    if (mine === asked) $("findings").replaceChildren(make("p", { textContent: "The linter did not answer." }));
    return;
  }
  if (mine !== asked) return;
  found = next;
  showFindings();
  if (choice.tab === "source" || choice.tab === "text") await showPanel(mine);
}

// Showing ----------------------------------------------------------------------------------------
function showState() {
  document.title = `${state.digest ? state.digest.subject : state.title} – preview`;
  document.documentElement.style.setProperty("--brand", state.accent);
  $("title").textContent = state.title;
  fill("look", state.options.looks, state.own.look, state.choice.look);
  fill("locale", state.options.locales, state.own.locale, state.choice.locale);
  fill("reader", state.options.readers, state.options.readers[0].id, state.choice.reader);
  showControls();
  showStatus();
  showFaults();
  const digest = state.digest;
  $("sender").textContent = digest ? digest.sender : "";
  $("subject").textContent = digest ? digest.subject : "No digest";
  $("preheader").textContent = digest ? digest.preheader : "";
  for (const id of ["sender", "subject", "preheader"]) $(id).dir = "auto";
  showWeight();
  showFeeds();
}
function fill(name, options, own, chosen) {
  const select = form.elements[name];
  const items = options.map((one) => make("option", { value: one.id, textContent: one.name }));
  select.replaceChildren(...items);
  select.value = chosen;
  // What is gone from the file, or was never there, is no choice any more.
  choice[name] = chosen === own ? "" : chosen;
}
function showControls() {
  for (const name of ["width", "scheme", "images"]) {
    for (const radio of form.querySelectorAll(`[name=${name}]`)) radio.checked = radio.value === choice[name];
  }
  form.elements.pixels.value = choice.width;
  frame.style.width = `${choice.width}px`;
  // The web edition is as wide as there is room, until another width is chosen.
  web.style.width = choice.width === usual.width ? "100%" : `${choice.width}px`;
  grip.setAttribute("aria-valuenow", choice.width);
  for (const tab of tabs) {
    const on = tab.dataset.tab === choice.tab;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    $(`panel-${tab.dataset.tab}`).hidden = !on;
  }
}
function showStatus() {
  const reading = state.reading;
  $("read").disabled = Boolean(reading);
  $("read").hidden = !state.feeds.total;
  const at = new Date(state.feeds.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  $("status").textContent = reading
    ? `Reading feeds: ${reading[0]} of ${reading[1]}`
    : state.feeds.total ? `Live · feeds read at ${at}` : "Live · sample stories";
}
function showFaults() {
  const faults = state.faults.map((fault) => make("li", {}, ...(fault.place ? [make("b", { textContent: fault.place }), " "] : []), fault.text));
  const warnings = state.warnings.map((text) => make("li", { textContent: text }));
  if (!faults.length && !warnings.length) return $("faults").replaceChildren();
  const box = make("div", {}, make("ul", {}, ...faults, ...warnings));
  if (faults.length) {
    const kept = state.digest ? "Below is the last digest that could be made. " : "";
    box.append(make("p", { textContent: `${kept}This goes away when the file is mended and saved.` }));
  }
  $("faults").replaceChildren(box);
}
function showWeight() {
  const digest = state.digest, place = $("weight");
  if (!digest) return place.replaceChildren(make("p", { textContent: "There is nothing to weigh." }));
  const sizes = make("p", {}, `${number(digest.text_bytes)} bytes of text, ${number(digest.mail_bytes)} as sent. ${counted(digest.stories, "story").replace("storys", "stories")}.`);
  if (digest.text_only) {
    return place.replaceChildren(make("p", { textContent: "This reader gets plain text only, which no program cuts." }), sizes);
  }
  const share = digest.html_bytes / digest.clip_bytes;
  const said = `${number(digest.html_bytes)} of ${number(digest.clip_bytes)} bytes of HTML`;
  const bar = make("span");
  bar.style.width = `${Math.min(100, share * 100)}%`;
  const gauge = make("div", { className: `gauge ${share > 1 ? "over" : share > 0.9 ? "near" : ""}`, role: "meter", "aria-label": "HTML, of what Gmail shows", "aria-valuemin": "0", "aria-valuemax": String(digest.clip_bytes), "aria-valuenow": String(digest.html_bytes), "aria-valuetext": said }, bar);
  const parts = [{ title: "Frame: styles, masthead, footer", bytes: digest.frame_bytes }, ...digest.sections];
  const most = Math.max(...parts.map((part) => part.bytes));
  const list = make("ul", { className: "parts" }, ...parts.map((part) => {
    const length = make("span");
    length.style.width = `${(part.bytes / most) * 100}%`;
    const title = make("span", { dir: "auto", textContent: part.title + (part.stories === undefined ? "" : ` (${part.stories})`) });
    return make("li", {}, title, make("span", { className: "size", textContent: number(part.bytes) }), make("span", { className: "bar" }, length));
  }));
  const left = digest.sections.flatMap((section) => section.left_out.map((title) => `${section.title}: ${title}`));
  const out = left.length
    ? [make("details", {}, make("summary", { textContent: `${counted(left.length, "story").replace("storys", "stories")} did not fit` }), make("ul", {}, ...left.map((title) => make("li", { dir: "auto", textContent: title }))))]
    : [];
  place.replaceChildren(make("p", {}, make("b", { textContent: number(digest.html_bytes) }), ` of ${number(digest.clip_bytes)} bytes of HTML, where Gmail cuts`), gauge, sizes, list, ...out);
}
function showFindings() {
  const place = $("findings");
  if (!found.length) {
    return place.replaceChildren(make("p", { textContent: state.digest ? "None: mail programs, screen readers and filters should be content." : "There is nothing to look at." }));
  }
  const tally = ["error", "warning", "note"].map((severity) => [found.filter((one) => one.severity === severity).length, severity]);
  const summary = make("p", { textContent: tally.filter(([n]) => n).map(([n, severity]) => counted(n, severity)).join(", ") });
  const list = make("ul", { className: "found" }, ...found.map((one) => {
    const where = one.line ? `${one.part === "text" ? "text" : "HTML"} line ${one.line}` : "whole page";
    const button = make("button", { type: "button", className: one.severity, disabled: !one.line }, make("span", { className: "where" }, make("span", { className: "sev", textContent: one.severity }), make("span", { textContent: `${one.rule} · ${where}` })), make("span", { textContent: one.message }));
    button.addEventListener("click", () => {
      choice.tab = one.part === "text" ? "text" : "source";
      choice.line = String(one.line);
      changed();
    });
    return make("li", {}, button);
  }));
  place.replaceChildren(summary, list);
}
function showFeeds() {
  const { total, failed } = state.feeds;
  const said = total ? `${total - failed.length} of ${total} read` : "Sample stories stand in for the feeds.";
  const rows = failed.map((feed) => make("li", {}, make("b", { textContent: feed.name }), `: ${feed.error}`));
  $("feeds").replaceChildren(make("p", { textContent: said }), ...(rows.length ? [make("ul", { className: "failed" }, ...rows)] : []));
}
async function showPanel(mine = asked) {
  if (!state) return;
  const tab = choice.tab;
  showExplanation();
  if (tab === "digest") {
    const words = query("look", "locale", "reader", "scheme", "images");
    load(frame, `digest.html?${words}&v=${state.version}`, framed, (address) => { framed = address; });
    frame.classList.toggle("dark", choice.scheme !== "light");
  } else if (tab === "web") {
    const words = query("scheme", "images");
    load(web, `web.html?${words}&v=${state.version}`, webbed, (address) => { webbed = address; });
  } else {
    const path = { text: "digest.txt", source: "source.txt", mail: "mail.txt" }[tab];
    let body;
    try {
      body = await (await ask(`${path}?${made()}`)).text();
    } catch (error) {
      body = `This could not be read (${error.message}).`;
    }
    if (mine !== asked || tab !== choice.tab) return;
    if (tab === "mail") $("mail").textContent = body;
    else showLines($(tab), body, tab === "text" ? "text" : "html");
  }
}
function load(iframe, address, before, remember) {
  if (address === before) return;
  remember(address);
  // Only where an editor was reading: another look or language begins at its top.
  const same = before.replace(/[&?]v=.*/, "") === address.replace(/[&?]v=.*/, "");
  const top = same && iframe.contentWindow ? iframe.contentWindow.scrollY : 0;
  if (top) iframe.addEventListener("load", () => iframe.contentWindow.scrollTo(0, top), { once: true });
  iframe.contentWindow.location.replace(address);
}
function showLines(list, body, part) {
  const notes = new Map();
  for (const one of found) if (one.part === part && one.line) notes.set(one.line, [...(notes.get(one.line) || []), one]);
  const lines = body.replace(/\r?\n$/, "").split(/\r?\n/);
  list.replaceChildren(...lines.map((line, index) => {
    const mine = notes.get(index + 1) || [];
    const item = make("li", { className: mine.length ? "marked" : "" }, make("span", { textContent: index + 1 }), make("span", { textContent: line, dir: part === "text" ? "auto" : "ltr" }));
    for (const one of mine) item.append(make("span", { className: `note ${one.severity}` }, make("span", { className: "sev", textContent: `${one.severity} ` }), one.message));
    return item;
  }));
  const here = choice.line && list.children[Number(choice.line) - 1];
  if (!here) return;
  here.classList.add("here");
  here.scrollIntoView({ block: "center" });
}
function showExplanation() {
  // What is tried on here changes nothing in the file.
  const tried = state.choice.look === state.own.look ? "" : `Tried on; your file says ${state.own.look}.`;
  const text = {
    digest: [tried, EXPLAIN[choice.scheme], choice.images === "off" ? "Pictures are kept away." : ""].join(" "),
    text: "What readers of plain text get.",
    source: "What a mail program decodes; inlined, one reader’s.",
    web: state.own.locale === state.choice.locale ? "All sections, as readers of the site find them." : "Always in the newsletter’s own language.",
  }[choice.tab];
  const link = make("a", { href: `mail.eml?${made()}`, textContent: "Download as .eml", download: "digest.eml" });
  $("explain").replaceChildren(choice.tab === "mail" ? link : text.trim());
}

// Choosing ---------------------------------------------------------------------------------------
function changed({ digest = false } = {}) {
  writeAddress();
  showControls();
  return digest ? refresh() : showPanel();
}
function setWidth(pixels) {
  const width = Math.min(1400, Math.max(240, Math.round(pixels)));
  if (!Number.isFinite(width)) return;
  choice.width = String(width);
  writeAddress();
  showControls();
}
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => {
  if (target.name === "width" || target.name === "pixels") return setWidth(Number(target.value));
  choice[target.name] = target.value;
  if (state && (target.name === "look" || target.name === "locale") && target.value === state.own[target.name]) choice[target.name] = "";
  choice.line = "";
  return changed({ digest: target.tagName === "SELECT" });
});
for (const tab of tabs) tab.addEventListener("click", () => { choice.tab = tab.dataset.tab; choice.line = ""; changed(); });
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const at = tabs.findIndex((tab) => tab.dataset.tab === choice.tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs.at(to % tabs.length);
  next.click();
  next.focus();
});
grip.addEventListener("pointerdown", (event) => {
  const from = event.clientX, width = Number(choice.width);
  grip.setPointerCapture(event.pointerId);
  document.body.classList.add("dragging");
  // The sheet is centred: it grows on both sides as long as there is room.
  const move = (next) => {
    const free = grip.closest(".stage").clientWidth - width - 10;
    setWidth(width + (next.clientX - from) * (free > 0 ? 2 : 1));
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", () => {
    grip.removeEventListener("pointermove", move);
    document.body.classList.remove("dragging");
  }, { once: true });
});
grip.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 10, ArrowLeft: -10, PageUp: 100, PageDown: -100 }[event.key];
  if (!step) return;
  event.preventDefault();
  setWidth(Number(choice.width) + step);
});
$("read").addEventListener("click", async () => {
  $("read").disabled = true;
  const token = document.querySelector("[name=courant-token]").content;
  try {
    const answer = await fetch("feeds", { method: "POST", headers: { "X-Courant-Token": token } });
    if (!answer.ok) throw new Error(await answer.text());
  } catch (error) {
    $("status").textContent = `The feeds could not be read: ${error.message}`;
  }
  $("read").disabled = false;
});
addEventListener("hashchange", () => { readAddress(); changed({ digest: true }); });

// Listening --------------------------------------------------------------------------------------
let changes = null;
function listen() {
  changes = new EventSource("changes");
  changes.onmessage = ({ data }) => {
    if (!state || Number(data) !== state.version) refresh();
  };
  changes.onerror = () => { $("status").textContent = "The preview does not answer. Is it still running?"; };
  changes.onopen = () => { if (state) showStatus(); };
}
// A browser keeps few connections to one place; pages that nobody looks at need none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { changes?.close(); changes = null; } else if (!changes) listen();
});

readAddress();
showControls();
refresh();
listen();

"use strict";
// Nothing looks live unless server, broker, bridge and battery are.

// Words

const select = document.getElementById("language"), languages = [...select.options].map(one => one.value);
let language = "en", words = {};

/** In the reader's language; {name} stands for a value. */
const t = (english, values = {}) => String(words[english] || english).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

async function speak(wanted) {
	const chosen = language = languages.includes(wanted) ? wanted : "en";
	const answer = await ask("api/words?language=" + chosen).catch(() => null);
	// Of two choices the last holds.
	if (chosen !== language) return;
	words = { ...answer?.words, __proto__: null };
	document.documentElement.lang = language;
	for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t ||= node.textContent);
	formats.clear();
}

const limitWords = { cvl: "Charge voltage limit", ccl: "Charge current limit", dcl: "Discharge current limit" };
const limitText = (limit, value) => number(value, ...limit === "cvl" ? [2, "V"] : [1, "A"]);

const dots = (...parts) => parts.filter(Boolean).join(" · ");
/** The word of a rule, an alarm or a setting; English has words for names, too. */
const named = name => t(t(name));
function rule(name) {
	const [word, pack] = String(name ?? "").split(/:(.*)/);
	return named("rule." + word) + (pack ? " (" + nameOf(pack) + ")" : "");
}
const encode = encodeURIComponent;
const addressOf = id => "#/battery/" + encode(id);
const nameOf = id => fleet.get(id)?.name || id;

// Numbers and times

const isNumber = Number.isFinite, { entries, keys } = Object;
const formats = new Map();
const format = (key, make) => formats.get(key) ?? formats.set(key, make()).get(key);

/** With its unit, or a dash; what rounds to 0 has no sign. */
function number(value, decimals = 0, unit = "") {
	return !isNumber(value) ? "–" : format(decimals, () => new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals })).format(+value.toFixed(decimals) || 0).replace("-", "−") + (unit && "\u00a0" + unit);
}
const millivolts = volts => number(isNumber(volts) ? volts * 1000 : null, 0, "mV");
const dated = (options, date) => format(JSON.stringify(options), () => new Intl.DateTimeFormat(language, options)).format(date);
const shortClock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, clock = { ...shortClock, second: "2-digit" };
const day = { day: "numeric", month: "short" }, fullDay = { ...day, year: "numeric" };

function at(seconds) {
	const date = new Date(seconds * 1000);
	if (!isNumber(seconds) || isNaN(date)) return "–";
	return (date.toDateString() === new Date().toDateString() ? "" : dated(fullDay, date) + ", ") + dated(clock, date);
}
const since = seconds => isNumber(seconds) ? t("since {time}", { time: at(seconds) }) : "";
function duration(seconds) {
	if (!isNumber(seconds)) return "–";
	const minutes = Math.round(seconds / 60), rest = number(minutes % 60, 0, "min");
	return minutes < 60 ? rest : minutes < 2880 ? `${number(Math.floor(minutes / 60), 0, "h")} ${rest}` : number(minutes / 1440, 0, t("d"));
}

// What is known

/** The row of each battery, by its id. */
const fleet = new Map(), model = {
	bridge: null, broker: null, mayRead: true,
	/** Why nothing arrives, and since when. */
	lost: { since: Date.now() / 1000, text: null },
};
/** Of the page in view; documents have their receipt, and the seconds for which they hold. */
let battery, documents = {}, events = [], isUnknown = false;
/** By two clocks: one may be set, one rests while the machine sleeps. */
const stamp = () => [performance.now(), Date.now()];
const clamp = (x, most) => Math.max(0, Math.min(most, x));
const elapsed = ([steady, set]) => Math.max(performance.now() - steady, Date.now() - set) / 1000;

/** Why nothing of any battery is live. */
function outage() {
	if (!model.mayRead) return { text: t("Log in") };
	if (isUnknown) return { text: t("This battery is not known here"), since: model.lost?.since };
	if (model.lost) return { text: model.lost.text || t("Connecting"), since: model.lost.text && model.lost.since };
	if (!model.broker?.connected) return { text: t("No connection to the MQTT broker: nothing is live"), since: model.broker?.since, more: model.broker?.text };
	const { status, since } = model.bridge || {};
	return status === "online" ? null : { text: t(status ? "No data: the bridge program is not running" : "No data: no bridge program on this MQTT topic"), since: status ? since : model.broker.since };
}
const fault = row => outage() || (!row ? { text: t("Connecting") }
		: row.status === "live" ? null : { text: statusWord(row), since: row.since, more: row.text });
const limitsHold = row => !outage() && row && keys(limitWords).some(limit => isNumber(row[limit]));
/** The bridge of a silent BMS goes on saying limits. */
const statusWord = row => t({ stale: limitsHold(row) ? "No data: nothing comes from the BMS" : "Not live", offline: "Offline" }[row?.status] || "Not known yet");
/** A document of the battery in view, if it holds now. */
function paper(name) {
	const row = fleet.get(battery), document = documents[name];
	if (!document?.value) return null;
	if (name !== "settings" && (name === "limits" ? !limitsHold(row) : fault(row))) return null;
	return elapsed(document.received) < (document.holds ?? Infinity) ? document.value : null;
}
/** A member of the state by its path; undefined is unknown. */
const state = path => path.split(".").reduce((value, name) => value?.[name], paper("state"));

// Elements

/** "p.quiet", properties, children; text is never markup. */
function h(kind, ...parts) {
	const [tag, ...classes] = kind.split("."), node = document.createElement(tag);
	if (classes.length) node.className = classes.join(" ");
	for (const part of parts.flat(2)) {
		if (part?.constructor !== Object) { if (part != null) node.append(part); continue; }
		for (const [name, value] of entries(part)) {
			if (typeof value === "function") node.addEventListener(name, value);
			else if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
		}
	}
	return node;
}
const byId = id => document.getElementById(id);
const picture = id => byId("pictures").content.getElementById(id).cloneNode(true);
/** The bridge's sentences are English. */
const english = text => h("span", { lang: "en" }, [text].join());
const complaint = error => ["▲ ", h("span", { lang: error.lang }, error.message)];

const silent = { "aria-hidden": "true" };
let bindings = [];
/** Updates now and at each refresh. A bad document breaks one part. */
function bind(node, update) {
	const safe = () => { try { update(node); } catch (error) { console.error(error); node.replaceChildren("?"); } };
	bindings.push(safe);
	safe();
	return node;
}
function put(node, text) { if (node.textContent !== text) node.textContent = text; }
function mark({ dataset }, name, value) {
	if (value === null) delete dataset[name];
	else if (dataset[name] !== value) dataset[name] = value;
}
function show(node, is) { node.hidden = !is; }
const live = (text, kind = "span") => bind(h(kind), node => put(node, text()));
function follow(node, value, fill) {
	let last;
	return bind(node, () => {
		const now = value(), key = JSON.stringify(now);
		if (key !== last) { last = key; node.replaceChildren(...[fill(now) ?? "–"].flat()); }
	});
}
const section = (title, ...children) => h("section", { "aria-label": t(title) }, h("h2", t(title)), ...children);
/** Entries of a name, and a path in `state` with decimals and unit, or a function. */
const facts = (...all) => h("dl.facts", all.map(([name, what, decimals, unit]) => h("div", h("dt", t(name)), live(typeof what === "string" ? of(what, decimals, unit) : what, "dd"))));
const of = (path, decimals, unit) => () => { const x = state(path); return typeof x === "string" ? x : number(x, decimals, unit); };
const meter = () => h("span.meter", silent, h("span"));
function fillMeter(node, soc) { node.firstChild.style.width = (soc ?? 0) + "%"; }

let waiting = false;
function refresh() {
	if (waiting) return;
	waiting = true;
	requestAnimationFrame(() => {
		waiting = false;
		header();
		for (const update of bindings) update();
	});
}

function header() {
	const general = outage(), [sign, says, heard] = byId("status").children;
	// The first second of a page is no alarm.
	const [is, shape] = !general ? ["yes", "●"] : general.since || model.broker && model.mayRead ? ["no", "▲"] : ["wait", "…"];
	mark(document.body, "live", is);
	put(sign, shape);
	putSentence(says, general || { text: t("Connected") }, model.lost?.text ? ". " + t("Trying again.") : "");
	put(heard, general ? "" : at(lastByte[1] / 1000));
}
function putSentence(node, why, end = "") {
	const own = (why.text + " " + since(why.since)).trim() + end, more = why.more ? " – " + why.more : "";
	if (node.textContent !== own + more) node.replaceChildren(own, english(more));
}

// The server

async function ask(address, options) {
	const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout?.(3e4), ...options }).catch(() => { throw new Error(t("The server does not answer")); });
	// What is no JSON is not ours: a proxy's page, perhaps.
	const { ok, status } = answer, value = await answer.json().catch(() => null);
	if (!ok) throw Object.assign(new Error(value?.error || t("The server answers {status}", { status })), { status, lang: value?.error && "en" });
	return value;
}
const send = (address, value) => ask(address, { method: "POST", body: JSON.stringify(value), headers: { "Content-Type": "application/json", "X-Token": model.token || "" } });

const rest = time => new Promise(done => setTimeout(done, time));
let stream, lastByte = stamp(), pause = 500;

function lose(text) {
	model.lost = { since: model.lost?.text ? model.lost.since : Date.now() / 1000 - elapsed(lastByte), text };
	refresh();
}

/** `EventSource` would hide the comments that show that the server lives. */
async function listen(id) {
	stream?.abort();
	const mine = stream = new AbortController();
	while (stream === mine) {
		const one = new AbortController();
		mine.signal.onabort = mine.restart = () => one.abort();
		if (model.lost) lastByte = stamp();
		let text = t("The connection to the server is lost");
		try {
			const answer = await fetch("events" + (id ? "?battery=" + encode(id) : ""), { signal: one.signal, cache: "no-store" });
			if (answer.status === 401) return enter();
			isUnknown = answer.status === 404;
			if (answer.ok) {
				if (id) load(id, mine);
				await read(answer.body.getReader(), mine);
			} else text = (await answer.json()).error;
		} catch { isUnknown = false; }
		if (stream !== mine) return;
		lose(one.signal.aborted ? t("The server is silent") : text);
		await rest(pause);
		pause = Math.min(pause * 2, 5000);
	}
}

async function read(reader, mine) {
	const decoder = new TextDecoder();
	for (let rest = "", isFirst = true; ;) {
		const { done, value } = await reader.read();
		if (done || stream !== mine || rest.length > 8e6) return;
		lastByte = stamp();
		const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
		rest = blocks.pop();
		for (const block of blocks) {
			const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) || [];
			if (event) take(event, JSON.parse(data), isFirst);
			if (event === "rows") isFirst = false;
		}
		// A comment after rows means that they still hold.
		if (!isFirst && model.lost) {
			if (model.lost.text) setTimeout(() => view.again?.(), 5000 * Math.random());
			model.lost = null;
			pause = 500;
			refresh();
		}
	}
}

function take(event, message, isFirst) {
	if (event === "rows") {
		const isChanged = isFirst || message.removed?.length || message.batteries.some(row => row.name !== fleet.get(row.id)?.name);
		if (isFirst) fleet.clear();
		for (const row of message.batteries) fleet.set(row.id, row);
		for (const id of message.removed || []) fleet.delete(id);
		for (const name of ["bridge", "broker", "commands"]) model[name] = message[name] ?? model[name];
		isUnknown = battery && !fleet.has(battery);
		if (isChanged) view.rowsChanged?.();
	} else if (message.battery && message.battery !== battery) return;
	else if (event === "document") documents[message.name] = { value: message.document, holds: message.holds, received: stamp() };
	else if (event === "happened") addEvents([message]);
	refresh();
}

function tick() {
	if (stream && !document.hidden && elapsed(lastByte) > 20) { lose(t("The server is silent")); lastByte = stamp(); stream.restart?.(); }
	if (!model.lost) view.again?.(true);
	refresh();
}
setInterval(tick, 1000);

// A browser has six connections to a server: a hidden page frees its own.
let sleep;
function look() {
	clearTimeout(sleep);
	if (document.hidden) sleep = setTimeout(() => { stream?.abort(); stream = null; lose(t("The page was in the background")); }, 3e4);
	else if (!stream && model.mayRead) listen(battery);
	// What was live before a sleep is not.
	tick();
}
for (const event of ["visibilitychange", "pageshow"]) addEventListener(event, look);

// Which page

function attempt(what) { try { return what(); } catch {} }

let view = {};
function route() {
	const [, kind, id, page, ...more] = location.hash.slice(1).split("/").map(part => attempt(() => decodeURIComponent(part)) ?? part);
	return kind === "battery" && id ? { id, page: page || "now", more } : { id: null };
}
function leave(one) {
	one.leave?.();
	one.leave = one.isZoomed = one.isRead = null;
}
function go(isFirst) {
	if (location.hash === "#main") { history.replaceState(null, "", view.hash || "#/"); byId("main").focus(); return; }
	const where = route();
	bindings = [];
	if (model.mayRead && where.id !== battery) {
		[battery, documents, events, isUnknown] = [where.id, {}, [], false];
		listen(where.id);
	}
	const main = byId("main"), hadFocus = main.contains(document.activeElement), isStep = view.title;
	leave(view);
	view.quit?.abort();
	view = { hash: location.hash || "#/" };
	main.replaceChildren();
	if (!model.mayRead) main.append(h("h1", t("Batteries")), login());
	else if (where.id) showBattery(main, where); else showOverview(main);
	// In a history the day is what is new.
	const title = isStep && view.title || main.querySelector("h1");
	title.tabIndex = -1;
	if (!isFirst) scrollTo(0, 0);
	if (!isFirst || hadFocus) title.focus({ preventScroll: true });
	refresh();
}
function addEvents(more) {
	const all = new Map([...more, ...events].map(one => [one.time + one.text, one]));
	events = [...all.values()].sort((a, b) => b.time - a.time).slice(0, 50);
}
/** What is there when a stream begins, which brings what follows. */
async function load(id, mine) {
	for (; stream === mine; await rest(5000)) try {
		const asked = stamp(), answer = await ask("api/batteries/" + encode(id));
		if (battery !== id) return;
		for (const [name, value] of entries(answer.documents)) if ((value || name !== "settings" || !documents[name]) && asked[0] >= (documents[name]?.received[0] ?? 0)) documents[name] = { value, holds: answer.holds[name], received: asked };
		addEvents(answer.events);
		model.commands = answer.commands ?? model.commands;
		return refresh();
	} catch { /* It is asked again. */ }
}

// Overview

function showOverview(main) {
	document.title = t("Batteries");
	const list = h("ul.cards"), items = new Map(), visible = new Set(), found = h("p.quiet", { role: "status" });
	const search = h("input", { type: "search", id: "search", input: arrange }), only = h("input", { type: "checkbox", change: arrange });
	const watcher = new IntersectionObserver(seen => seen.forEach(({ target, isIntersecting }) => {
		if (isIntersecting) { visible.add(target); fillCard(target); } else visible.delete(target);
	}), { rootMargin: "300px" });
	view.leave = () => watcher.disconnect();

	function arrange() {
		const text = search.value.trim().toLowerCase();
		let count = 0;
		for (const [id, item] of items) {
			const row = fleet.get(id), fits = (row.name + "\n" + id).toLowerCase().includes(text) && (!only.checked || row.status !== "live" || row.alarm > 0);
			show(item, fits);
			count += fits;
		}
		put(found, text || only.checked ? t("{count} of {all} shown", { count: number(count), all: number(items.size) }) : "");
	}
	view.rowsChanged = () => {
		const { compare } = new Intl.Collator(language, { numeric: true });
		const rows = [...fleet.values()].sort((a, b) => b.bank - a.bank || compare(a.name || a.id, b.name || b.id));
		for (const [id, item] of items) if (!fleet.has(id)) { watcher.unobserve(item); visible.delete(item); item.remove(); items.delete(id); }
		for (const { id } of rows) if (!items.has(id)) {
			const item = h("li", { "data-id": id }, h("h2", h("a", { href: addressOf(id) })));
			items.set(id, item);
			watcher.observe(item);
		}
		if (rows.some(({ id }, index) => list.children[index] !== items.get(id))) list.replaceChildren(...rows.map(({ id }) => items.get(id)));
		for (const [id, item] of items) put(item.querySelector("a"), nameOf(id));
		arrange();
	};
	bindings.push(() => { for (const item of visible) item.update?.(); if (only.checked) arrange(); });

	const many = bind(h("div.search", h("label", { for: "search" }, t("Search")), search,
		h("label", only, " ", t("Only what needs attention")), found), node => show(node, fleet.size > 6));
	main.append(h("h1", t("Batteries")), live(summary, "p.quiet"), many,
		live(() => fleet.size || model.lost ? "" : t("No battery is known yet."), "p"), list);
	view.rowsChanged();
}
function summary() {
	const rows = [...fleet.values()], count = test => ({ n: number(rows.filter(test).length) });
	return !rows.length || outage() ? "\u00a0" : dots(t("{n} live", count(row => row.status === "live")), t("{n} without data", count(row => row.status !== "live")),
		t("{n} with an alarm or a warning", count(row => row.alarm > 0)));
}
const flowText = row => !isNumber(row?.power) ? "–" : t(row.current > 0.5 ? "charging" : row.current < -0.5 ? "discharging" : "idle") + " " + number(Math.abs(row.power), 0, "W");
const valueOf = (row, name, decimals, unit) => live(() => number(alive(row())?.[name], decimals, unit));
const electric = row => [valueOf(row, "voltage", 1, "V"), " · ", valueOf(row, "current", 1, "A")];
const shapes = { live: "●", stale: "◐", offline: "○" };
function fillCard(item) {
	if (item.update) return item.update();
	const others = bindings, mine = bindings = [], row = () => fleet.get(item.dataset.id), limit = name => limitText(name, limitsHold(row()) ? row()[name] : null);
	item.append(h("div.state", live(() => badge(row()), "span.badge"), h("span.quiet", row()?.bank ? t("bank") : "")),
		h("div.big", valueOf(row, "soc", 0, "%"), bind(meter(), node => fillMeter(node, alive(row())?.soc))),
		h("p", live(() => flowText(alive(row()))), " · ", electric(row)),
		live(() => (limitsHold(row()) && row().status === "stale" ? t("Fallback:") + " " : "") + `${t("takes up to")} ${limit("ccl")} (${limit("cvl")}), ${t("gives up to")} ${limit("dcl")}`, "p.quiet"),
		h("p", bind(english(), node => put(node, outage() ? "" : fault(row())?.more || "")), live(() =>
			!alive(row()) ? "" : dots(row().chargeState && t("Charge mode") + ": " + t(row().chargeState), row().toDo && t("To do") + ": " + row().toDo))));
	bind(item, () => mark(item, "kind", alive(row()) ? ["live", "warning", "alarm"][row().alarm || 0] : "off"));
	bindings = others;
	item.update = () => { for (const update of mine) update(); };
}
function badge(row) {
	if (outage()) return "? " + t("not live");
	if (alive(row)) return row.alarm ? alarmWord(row.alarm) : "● " + t("Live");
	return `${shapes[row?.status] || "?"} ${row?.status === "stale" ? t("no data") : statusWord(row)} ${since(row?.since)}`;
}
const alive = row => row && !fault(row) ? row : null;

// One battery

function showBattery(main, { id, page, more }) {
	const row = () => fleet.get(id), isBank = row()?.bank, base = addressOf(id);
	const tab = (name, title, href = base + "/" + name) => h("a", { href, click: () => href === location.hash && go(), "aria-current": page === name ? "page" : null }, t(title));
	document.title = nameOf(id);
	main.append(live(() => nameOf(id), "h1"), h("nav.tabs", { "aria-label": t("Battery") }, tab("now", "Now", base), tab("history", "History"),
		bind(tab("settings", "Settings"), node => show(node, model.commands?.allowed && !row()?.bank))),
	bind(h("p.fault", h("span", silent), h("span", { role: "status" })), node => {
		const why = fault(row()), general = outage(), kind = why ? general ? "off" : row()?.status : "live";
		mark(node, "kind", kind);
		put(node.firstChild, (shapes[kind] || "▲") + " ");
		putSentence(node.lastChild, why && !general ? why : { text: t(why ? "Nothing on this page is live." : "Live") });
	}));
	// Whether it is a bank is known with the first rows.
	view.rowsChanged = () => { if (row()?.bank !== isBank) go(true); };
	if (page === "history") return showHistory(main, id, more);
	if (page === "settings") return showSettings(main, id);
	main.append(flowSection(row), warningSection(), limitSection(row, isBank), cellSection(isBank), packSection(isBank), relaySection(), section("What happened",
		follow(h("ol.events"), () => events, eventItems), live(() => events.length ? "" : t("No events yet."), "p")), linkSection(isBank), canSection());
}
const eventItems = list => list.map(one => h("li", h("time", at(one.time)), " ", english(one.text)));

function flowSection(row) {
	const node = (id, name, ...lines) => h("div.node", h("span", silent, picture(id)), h("h3", name), lines);
	const arrow = power => bind(h("div.arrow", silent), node => mark(node, "flows", power() >= 1 ? "right" : power() <= -1 ? "left" : "no"));
	// A side without a sensor has what the battery takes or gives.
	const side = (name, sign) => () => state(`Dc.${name}.Power`) ?? Math.max(0, sign * (state("Dc.Power") ?? NaN));
	const into = side("In", 1), out = side("Out", -1), soc = () => alive(row())?.soc;
	const end = (id, name, power, path) => node(id, name, live(() => number(power(), 0, "W"), "p.value"), h("p", t("Today"), " ", live(of(path, 1, "kWh"))));
	return section("Sun, battery, load", h("div.flow", end("sun", t("Sun") + " / " + t("charger"), into, "Energy.InToday"), arrow(into),
		node("battery", t("Battery"), live(() => number(soc(), 0, "%"), "p.value"), bind(meter(), node => fillMeter(node, soc())),
			live(() => flowText(alive(row())), "p"), h("p", electric(row))),
		arrow(out), end("load", t("Load"), out, "Energy.OutToday")),
	bind(h("p.calibrated"), node => {
		const is = state("SocCalibrated");
		mark(node, "is", is === 0 ? "no" : null);
		put(node, is === 1 ? "✓ " + t("State of charge") + ": " + t("Calibrated") : is === 0 ? "▲ " + t("The state of charge was never calibrated: charge to full once.") : "\u00a0");
	}),
	follow(h("div"), () => state("ToDo.Text") || "", text => text ? h("div.todo", h("h3", t("To do")), h("ul", { lang: "en" }, text.split("\n").map(line => h("li", line)))) : []));
}

const alarmWord = level => "▲ " + t(level > 1 ? "Alarm" : "Warning");
function warningSection() {
	const five = { E: ["InternalFailure", "BmsCable"], Vh: ["HighCellVoltage"], Vl: ["LowCellVoltage"], Th: ["HighTemperature"], Tl: ["LowTemperature"] };
	const level = names => Math.max(...names.map(name => state("Alarms." + name) ?? -1));
	return section("Warnings", h("ul.warnings", entries(five).map(([letters, names]) => bind(
		h("li", h("b", silent, letters), letters === "E" ? t("Communication error") : named("alarm." + names[0]),
			live(() => level(names) < 0 ? "–" : level(names) ? alarmWord(level(names)) : "✓ " + t("ok"), "strong")), node => mark(node, "level", String(level(names)))))),
	follow(h("ul.more"), () => entries(state("Alarms") || {}).filter(([name, value]) => value > 0 && name !== "Alarm" && !Object.values(five).flat().includes(name)),
		others => others.map(([name, value]) => h("li", { "data-level": String(value) }, h("strong", alarmWord(value)), ": " + named("alarm." + name)))));
}

function limitSection(row, isBank) {
	const limits = () => paper("limits");
	const constraints = limit => (limits()?.constraints || []).filter(one => one.limit === limit);
	const card = limit => h("div.limit", h("h3", limit.toUpperCase() + " · " + t(limitWords[limit])), live(() => limitText(limit, limits()?.[limit]), "p.value"),
		live(() => limits()?.names?.[limit] ? rule(limits().names[limit]) : "–", "p.rule"),
		bind(h("p.reason", { lang: "en" }), node => put(node, limits()?.reasons?.[limit] || "–")),
		live(() => {
			const next = constraints(limit).find(one => one.name !== limits().names?.[limit]);
			return next ? t("Next: {rule}, {value}", { rule: rule(next.name), value: limitText(limit, next.value) }) : "\u00a0";
		}, "p.quiet"),
		h("details", live(() => t("All constraints, the lowest first ({n})", { n: constraints(limit).length }), "summary"),
			follow(h("ol"), () => constraints(limit), list => list.map(one => h("li", h("strong", limitText(limit, one.value)), " " + rule(one.name) + ": ", english(one.text))))));
	const packs = () => isBank ? [...new Set((limits()?.constraints || []).map(one => one.name.split(":")[1]))].filter(id => fleet.has(id)).sort() : [];
	return section("Limits", h("p", t("Charge mode"), ": ", live(() => limits() ? t(limits().chargeState) + (limits().chargeRequest ? " · " + t("Charge requested") : "") : "–", "strong")),
		live(() => row()?.status === "stale" && limits() ? t("Look at the cable and at the power supply of the BMS. Until data comes, a safe fallback holds:") : "", "p.note"),
		h("div.limits", keys(limitWords).map(card)),
		follow(h("p"), packs, ids => ids.length ? [t("Packs of this bank") + ": ", ids.map((id, index) => [index ? ", " : "", h("a", { href: addressOf(id) }, nameOf(id))])].flat(3) : []));
}

const cellKinds = { ok: ["●", "in range"], balancing: ["◆", "balancing"], "too-high": ["▲", "too high"], "too-low": ["▼", "too low"], unknown: ["?", "not known"] };
function cellSection(isBank) {
	const cell = which => live(extreme(which, "Voltage", 3, "V"), "strong");
	const threshold = name => state(`System.${name}VoltageThreshold`), v = name => number(threshold(name), 3, "V");
	const list = h("ol.cells");
	if (!isBank) bind(list, () => {
		const count = keys(documents.cells?.value?.Voltages || {}).length;
		if (list.children.length !== count) list.replaceChildren(...Array.from({ length: count }, (_, index) => cellItem(index + 1)));
		const cells = paper("cells"), low = threshold("Min"), balance = threshold("Balance"), high = threshold("Max");
		for (const item of list.children) item.update(cells, low, balance, high);
	});
	return section("Cells", h("p", t("Highest"), ": ", cell("Max"), " · ", t("Lowest"), ": ", cell("Min"), " · ", t("Spread"), ": ", live(() => millivolts(state("Voltages.Diff")), "strong")),
		isBank ? null : [live(() => `Vmin ${v("Min")} · Vbalance (${t("line")}) ${v("Balance")} · Vmax ${v("Max")}`, "p.quiet"),
			h("ul.key", entries(cellKinds).map(([kind, [sign, word]]) => h("li", { "data-kind": kind }, h("span.shape", silent, sign), " " + t(word))))], list);
}
function cellItem(n) {
	const fill = h("span.fill"), tick = h("span.tick"), shape = h("span.shape", silent), says = h("span.hidden"), voltage = h("span"), temperature = h("span");
	const item = h("li", h("span.n", h("span.hidden", t("Cell") + " "), n), h("span.track", silent, fill, tick), shape, voltage, temperature, says);
	item.update = (cells, low, balance, high) => {
		const v = cells?.Voltages?.["Cell" + n], share = x => clamp(100 * (x - low) / (high - low), 100) || 0;
		const kind = !isNumber(v) ? "unknown" : v > high ? "too-high" : v < low ? "too-low" : cells.Balances?.["Cell" + n] ? "balancing" : "ok";
		const [sign, word] = cellKinds[kind];
		mark(item, "kind", kind);
		put(shape, sign);
		put(says, t(word));
		put(voltage, number(v, 3, "V"));
		put(temperature, number(cells?.Temperatures?.["Cell" + n], 1, "°C"));
		// A stub of a bar remains, so that its colour shows.
		fill.style.width = kind === "unknown" ? "0" : Math.max(share(v), 4) + "%";
		tick.style.left = isNumber(balance) ? share(balance) + "%" : "-9%";
	};
	return item;
}

const extreme = (which, what, decimals, unit) => () => `${number(state(`System.${which}Cell${what}`), decimals, unit)} ${state(`System.${which}${what}CellId`) || ""}`;
const either = (path, one, zero) => () => ({ 1: t(one), 0: t(zero) })[state(path)] ?? "–";
function packSection(isBank) {
	const cell = which => extreme(which, "Temperature", 1, "°C");
	return section(isBank ? "The bank" : "The pack", facts(
		["Charging permitted", either("Io.AllowToCharge", "yes", "no")], ["Discharging permitted", either("Io.AllowToDischarge", "yes", "no")],
		["Charge relay contact", either("Io.ChargeRelay", "closed", "open")], ["Load relay contact", either("Io.LoadRelay", "closed", "open")],
		["Time to go", () => duration(state("TimeToGo"))], ["Stored energy", "Energy.Stored", 2, "kWh"], ["Installed energy", "Energy.Installed", 1, "kWh"],
		["Coldest cell", cell("Min")], ["Warmest cell", cell("Max")], ["Inflow current", "Dc.In.Current", 1, "A"], ["Outflow current", "Dc.Out.Current", 1, "A"],
		["Energy in", "Energy.In", 0, "kWh"], ["Energy out", "Energy.Out", 0, "kWh"], ["State of health", "Soh", 0, "%"], ["Cycles", "History.ChargeCycles"],
		["Internal resistance", "Info.InternalResistance", 1, "mΩ"], ["Weakest cell", "History.WeakestCell"],
		["Last full charge", () => { const age = state("History.TimeSinceLastFullCharge"); return isNumber(age) ? t("{time} ago", { time: duration(age) }) : "–"; }],
		["BMS firmware", "FirmwareVersion"]));
}
function relaySection() {
	const word = is => ({ true: t("closed"), false: t("open") })[is] ?? "–", list = h("ul.more"), box = section("Relays", list);
	follow(list, () => paper("relays"), relays => relays && entries(relays).map(([name, relay]) => h("li", { "data-level": relay.alarm ? "2" : null },
		h("strong", name + ": " + word(relay.closed) + (relay.alarm ? " ▲ " + t("does not follow its command") : "")), ` · ${t("reported")}: ${word(relay.readBack)} · `, english(relay.reason), " · " + since(relay.since))));
	return bind(box, () => show(box, keys(documents.relays?.value || {}).length));
}
const linkSection = isBank => section("BMS link", facts(["Age of the data", "Link.Age", 1, "s"], ...(isBank ? [] : [["BMS link quality", "Link.Quality", 0, "%"], ["Frames accepted", "Link.FramesAccepted"],
		["Frames rejected", "Link.FramesRejected"], ["Frames damaged", "Link.FramesDamaged"], ["Bytes dropped", "Link.BytesDropped"], ["Resynchronisations", "Link.Resyncs"],
		["Source opened again", "Link.SourceReopenings"], ["Reconnections to the broker", "Link.BrokerReconnects"], ["Commands refused", "Link.CommandsRefused"]])));
function canSection() {
	const words = { sending: "limits are sent", silent: "silent", unacknowledged: "no answer", "bus-off": "bus off", closed: "not connected" };
	return bind(section("CAN bus", facts(["Interface", "Can.Interface"], ["Status", () => t(words[state("Can.Status")] || state("Can.Status") || "–")],
		["Inverter on CAN", either("Can.Inverter", "heard", "silent")], ["Messages sent", "Can.Sets"], ["CAN faults", "Can.Faults"],
		["Keep-alives of the inverter", "Can.KeepAlives"], ["Frames of other batteries", "Can.OtherFrames"])), node => show(node, documents.state?.value?.Can?.Interface));
}

// History

let plotter;
function loadPlotter() {
	return plotter ??= new Promise((done, failed) => {
		document.head.append(h("script", { src: "dygraph.min.js", load: () => {
			// Its legend needs an inline style, which the policy forbids.
			Dygraph.PLUGINS = Dygraph.PLUGINS.filter(one => one !== Dygraph.Plugins.Legend);
			// A finger scrolls the page; a tap reads values.
			for (const kind of ["start", "move", "end"]) delete Dygraph.defaultInteractionModel["touch" + kind];
			document.head.append(h("link", { rel: "stylesheet", href: "dygraph.css", load: done, error: done }));
		}, error: ({ target }) => { plotter = null; target.remove(); failed(new Error(t("The plots could not be loaded"))); } }));
	});
}
const iso = date => new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
/** Begin and end in the reader's time zone. */
function span(range, date) {
	const y = date.getFullYear(), m = date.getMonth(), d = date.getDate(), monday = d - (date.getDay() + 6) % 7;
	const both = { day: [[y, m, d], [y, m, d + 1]], week: [[y, m, monday], [y, m, monday + 7]], month: [[y, m], [y, m + 1]], year: [[y, 0], [y + 1, 0]] };
	return both[range].map(parts => new Date(...parts));
}

function showHistory(main, id, [wanted, when]) {
	const mine = view, today = iso(new Date()), base = addressOf(id) + "/history/";
	const names = { day: "Day", week: "Week", month: "Month", year: "Year" }, range = Object.hasOwn(names, wanted) ? wanted : "day";
	const asked = noon({ date: when }), chosen = isNaN(asked) ? new Date() : asked, [from, to] = span(range, chosen);
	const period = { from, to, range };
	const link = (name, date, ...more) => h("a", { href: base + name + "/" + iso(date) }, more);
	const date = h("input", { type: "date", value: iso(chosen), max: today, "aria-label": t("Date") });
	const box = h("div", h("p", { role: "status" }, t("Loading")));
	main.append(h("nav.tabs", { "aria-label": t("Range") }, entries(names).map(([name, text]) => link(name, chosen, { "aria-current": name === range ? "true" : null }, t(text)))),
		h("div.step", link(range, new Date(from - 432e5), { "aria-label": t("Before") }, "◀"), mine.title = h("strong", range === "week" ? dated(day, from) + " – " + dated(fullDay, to - 1)
			: dated({ day: { dateStyle: "full" }, month: { month: "long", year: "numeric" }, year: { year: "numeric" } }[range], from)),
			link(range, new Date(+to + 432e5), { "aria-label": t("After"), hidden: to > Date.now() }, "▶"), date, h("button", { click: () => { if (date.value) location.hash = base + range + "/" + date.value; } }, t("Show"))), box);
	const points = Math.min(800, main.clientWidth || 300), known = {};
	let isDrawing, drawn, next, pause = 20;
	async function draw() {
		isDrawing = true;
		next = 300;
		const quit = mine.quit = new AbortController(), get = what => ask("api/history/" + encode(id) + what + `from=${from / 1000}&to=${to / 1000}`, { signal: quit.signal });
		setTimeout(() => quit.abort(), 3e4);
		// Parts that fail are drawn as they were known.
		const part = what => get(`/${what}?`).then(value => known[what] = value, () => { if (isDrawing) next = 0; return known[what] || {}; });
		try {
			const sum = range === "year" ? "months" : "days";
			const [, series, cells, changes, sums, happened] = await Promise.all([loadPlotter(),
				get(`?series=soc,voltage,current,power,cvl,ccl,dcl,cell_min,cell_max,temperature_min,temperature_max&points=${points}&`),
				range === "day" && part("cells"), /day|week/.test(range) && part("changes"), part(sum), part("events")]);
			if (view !== mine) return;
			const place = scrollY;
			leave(mine);
			box.replaceChildren();
			drawHistory(box, period, series, changes.changes || [], cells);
			drawSums(box, period, (sums[sum] || []).filter(one => noon(one) >= from && noon(one) < to));
			if (happened.events?.length) box.append(section("What happened", h("ol.events", eventItems([...happened.events].reverse()))));
			scrollTo(0, place);
		} catch (error) {
			next = error.status === 404 ? Infinity : 0;
			// What is drawn stays. Nothing is said twice.
			const says = h("p.fault", { role: "alert" }, complaint(error));
			if (view === mine && !mine.leave && box.textContent !== says.textContent) box.replaceChildren(says);
		}
		pause = next ? 20 : Math.min(2 * pause, 160);
		next ||= pause * (2 + Math.random()) / 4;
		isDrawing = false;
		drawn = stamp();
	}
	/** Not while somebody looks closely. */
	mine.again = isTick => {
		if (isDrawing || isTick && elapsed(drawn) < next || mine.isZoomed || mine.isRead || box.querySelector(":focus, [open]")) return;
		if (iso(new Date()) !== today) go(true); else if (!isTick || next < 300 || to > Date.now()) draw();
	};
	draw();
}

function drawHistory(box, period, { time, series }, changes, cells) {
	const graphs = [];
	view.leave = () => graphs.forEach(graph => graph.destroy());
	// Of "cell_max" the "max" counts.
	const line = (name, key, isStep, values = series[key]) => ({ name: t(name), isStep, ...values, mean: values?.[key.slice(-3)] || values?.mean });
	const below = series.dcl && Object.fromEntries(entries(series.dcl).map(([part, values]) => [part, values.map(x => x && -x)]));
	for (const [title, unit, decimals, all, more] of [
		["State of charge", "%", 0, [line("State of charge", "soc")], { range: [0, 102] }],
		["Power", "W", 0, [line("Power", "power")]],
		["Current and its limits", "A", 1, [line("Current", "current"), line("CCL", "ccl", true), line("−DCL", "dcl", true, below)], { limits: ["ccl", "dcl"] }],
		["Voltage", "V", 2, [line("Voltage", "voltage"), line("CVL", "cvl", true)], { limits: ["cvl"] }],
		["Highest and lowest cell", "V", 3, [line("Highest cell", "cell_max"), line("Lowest cell", "cell_min")]],
		["Temperatures", "°C", 1, [line("Warmest cell", "temperature_max"), line("Coldest cell", "temperature_min")]],
	]) {
		const lines = all.filter(one => one.mean?.some(isNumber));
		if (lines.length) addPlot(box, period, time, { title, unit, decimals, lines, ...more }, changes, graphs);
	}
	if (!graphs.length) return box.append(h("p", t("Nothing was recorded in this time.")));
	if (cells?.cells?.length) addPlot(box, period, cells.time, { title: "Every cell", unit: "V", decimals: 3, isMany: true,
		lines: cells.cells.map((mean, index) => ({ name: t("Cell") + " " + (index + 1), min: mean, mean, max: mean })) }, changes, graphs);
}

function addPlot(box, period, time, plot, changes, graphs) {
	const style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue("--" + name), { lines, isMany, limits = [] } = plot, title = t(plot.title);
	const value = x => number(x, plot.decimals, plot.unit), when = seconds => dated(period.range === "day" ? shortClock : { ...day, ...shortClock }, seconds * 1000);
	const area = h("div.plot", { tabindex: "0", role: "group", "aria-label": title + ". " + t("Arrow keys move the cursor; the table has the values."), keydown });
	const moment = h("span.moment", "\u00a0"), why = h("p.reason", { lang: "en" }), pointed = h("span");
	const names = isMany ? [] : lines.map((line, index) => h("li.line" + index + (line.isStep ? ".step" : ""), h("i"), line.name + " ", h("span")));
	box.append(section(plot.title, h("ul.legend", h("li", moment, pointed), names), area, limits.length && changes.length ? why : null,
		tableOf(title, ["Time", ...lines.map(line => line.name)], () => {
			const stride = Math.ceil(time.length / 48);
			return time.flatMap((seconds, index) => index % stride ? [] : [[when(seconds), ...lines.map(line => value(line.mean[index]))]]);
		})));
	function tell(row, name) {
		view.isRead = row !== null;
		const read = line => row === null ? "" : value(line.mean[row]);
		put(moment, row === null ? "\u00a0" : when(time[row]));
		put(pointed, isMany && name ? name + " " + read(lines.find(line => line.name === name)) : "");
		names.forEach((name, index) => put(name.lastChild, read(lines[index])));
		put(why, lines.some(line => isNumber(line.mean[row])) ? dots(...limits.map(limit => reasonAt(changes, limit, time[row]))) : "");
	}
	const graph = new Dygraph(area, time.map((seconds, index) => [new Date(seconds * 1000), ...lines.map(line => [line.min[index], line.mean[index], line.max[index]])]), {
		labels: ["x", ...lines.map(line => line.name)], customBars: true, dateWindow: [+period.from, +period.to], valueRange: plot.range,
		fillAlpha: 0.18, gridLineColor: colour("line"), axisLineColor: colour("soft"), rightGap: 12,
		colors: lines.map((_, index) => isMany ? `hsl(${index * 360 / lines.length}, 60%, ${index % 2 * 12 + +colour("shade")}%)` : colour(["link", "ink2", "ink3"][index])),
		series: Object.fromEntries(lines.map((line, index) => [line.name, { strokePattern: isMany || line.isStep || !index ? null : [7, 4], strokeWidth: isMany || line.isStep ? 1 : 2, stepPlot: !!line.isStep }])),
		axes: { x: { axisLabelFormatter: date => dated(period.range === "day" || date.getHours() || date.getMinutes() ? shortClock : period.range === "year" ? { month: "short" } : day, date) },
			y: { axisLabelWidth: 52, axisLabelFormatter: (x, _, __, of) => { const [low, high] = of.yAxisRange(); return number(x, clamp(Math.ceil(1.1 - Math.log10(high - low)), 3)); } } },
		highlightSeriesOpts: isMany ? { strokeWidth: 3 } : null, highlightCallback: (_, __, ___, row, name) => tell(row, name), unhighlightCallback: () => tell(null),
		zoomCallback: (low, high) => {
			// Its end leaves no window. Options would undo a vertical one.
			const isZoomed = view.isZoomed = graph.isZoomed("x");
			for (const one of graphs) if (one !== graph || !isZoomed) one.updateOptions({ dateWindow: [low, high] });
		},
	});
	graphs.push(graph);
	let cursor = time.length, chosen = 0;
	function keydown(event) {
		const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key] || 0, other = isMany && { ArrowUp: -1, ArrowDown: 1 }[event.key] || 0;
		if (!step && !other) return;
		event.preventDefault();
		cursor = clamp(cursor + step, time.length - 1);
		chosen = (chosen + other + lines.length) % lines.length;
		graph.setSelection(cursor, lines[chosen].name);
		tell(cursor, lines[chosen].name);
	}
}
function reasonAt(changes, limit, time) {
	const last = changes.findLast(one => one.limit === limit && one.time <= time);
	return last && `${limit.toUpperCase()} ${limitText(limit, last.value)}: ${last.sentence}`;
}
function tableOf(title, heads, rows) {
	const details = h("details", h("summary", t("As a table"), h("span.hidden", ": " + title)));
	details.addEventListener("toggle", () => details.append(h("div.scroll", { tabindex: "0", role: "region", "aria-label": title }, h("table", h("thead", h("tr", heads.map(head => h("th", { scope: "col" }, t(head))))),
			h("tbody", rows().map(([first, ...others]) => h("tr", h("th", { scope: "row" }, first), others.map(cell => h("td", cell)))))))), { once: true });
	return details;
}

/** A day as the battery's place counts it. */
const noon = one => new Date(one.date + "T12:00");
function drawSums(box, period, sums) {
	if (!sums.length) return;
	const isYear = period.range === "year", cell = one => one.weakestCell ? "C" + one.weakestCell : "–", energy = x => number(x, 1, "kWh");
	const name = one => dated(isYear ? { month: "short" } : day, noon(one));
	if (period.range === "day") return box.append(section("Energy", h("p", `${t("In")}: ${energy(sums[0].energyIn)} · ${t("Out")}: ${energy(sums[0].energyOut)}`)));
	// A day or a month without data is a gap.
	const step = (isYear ? 30.44 : 1) * 864e5, all = [];
	for (let time = +period.from + step / 2; time < period.to; time += step) {
		const date = iso(new Date(time));
		all.push(sums.find(one => one.date.startsWith(date.slice(0, isYear ? 7 : 10))) || { date });
	}
	box.append(section("Energy", h("ul.legend", h("li.in", h("i"), t("In") + " ▲"), h("li.out", h("i"), t("Out") + " ▼")), bars(all, isYear, energy, one => one.energyIn, one => one.energyOut),
		tableOf(t("Energy"), ["Date", "In", "Out"], () => sums.map(one => [name(one), energy(one.energyIn), energy(one.energyOut)]))));
	if (!isYear || !sums.some(one => one.resistance || one.weakestCell)) return;
	const resistance = x => number(x, 1, "mΩ"), ageing = section("Ageing", h("h3", t("Internal resistance")), bars(all, true, resistance, one => one.resistance),
		h("h3", t("Spread at rest, and the weakest cell")), bars(all, true, millivolts, one => one.spread, null, cell),
		tableOf(t("Ageing"), ["Date", "Internal resistance", "Spread", "Weakest cell"], () => sums.map(one => [name(one), resistance(one.resistance), millivolts(one.spread), cell(one)])));
	for (const [member, title] of [["atRest", t("Cells at rest")], ["atFull", t("Cells at full charge")]]) {
		const known = sums.filter(one => one[member]?.length);
		if (known.length) ageing.append(h("h3", title), tableOf(title, ["Date", ...known[0][member].map((_, index) => index + 1)], () => known.map(one => [name(one), ...one[member].map(v => number(v, 3, "V"))])));
	}
	box.append(ageing);
}
/** Bars up, and down for a second value; screen readers have the table. */
function bars(items, isYear, text, up, down, note) {
	const top = Math.max(...items.flatMap(one => [up(one) || 0, down?.(one) || 0]));
	const bar = (kind, x) => { const node = h("span." + kind); node.style.height = 100 * (x || 0) / (top || 1) + "%"; return h("span.half", node); };
	return h("div", silent, h("p.quiet", t("highest: {value}", { value: text(top || null) })), h("div.bars" + (items.length > 16 ? ".dense" : ""), items.map(one =>
		h("div", bar("up", up(one)), down ? bar("down", down(one)) : null,
			h("small", isYear ? dated({ month: "narrow" }, noon(one)) : noon(one).getDate()), note ? h("small", note(one)) : null))));
}

// Settings

function showSettings(main, id) {
	main.append(follow(h("div"), () => [model.commands, documents.settings && keys(documents.settings.value || {})], ([commands, known]) => commands && !commands.allowed ? h("p", t("This server accepts no commands."))
		: commands && !model.token ? login() : commands && known ? controls(id) : h("p", t("Loading"))));
}

async function enter() {
	const session = await ask("session").catch(error => error);
	model.token = session.token;
	model.mayRead = session.status !== 401 && (session.mayRead ?? model.mayRead);
	// What was known before is not live.
	fleet.clear();
	lastByte = stamp();
	stream?.abort();
	battery = stream = undefined;
	go(true);
}
function login() {
	const password = h("input", { type: "password", id: "password", autocomplete: "current-password", required: true }), says = h("p", { role: "alert" });
	return h("form", { submit: async event => {
		event.preventDefault();
		try {
			await send("login", { password: password.value });
			enter();
		} catch (error) {
			says.replaceChildren(...complaint(error.status === 403 ? { message: t("The password is wrong.") } : error));
			password.select();
		}
	} }, h("label", { for: "password" }, t("Password of this page")), password, h("button", t("Log in")), says);
}

function controls(id) {
	const settings = () => documents.settings?.value || {}, form = h("div.settings"), mine = view;
	function item(setting, title, input, hint, word) {
		const says = h("p", { role: "status" }), button = h("button", word, h("span.hidden", ": " + title));
		let isBusy = false;
		const say = (isGood, ...parts) => { mark(says, "ok", isGood); says.replaceChildren(...parts); };
		const node = h("form", { submit: async event => {
			event.preventDefault();
			if (isBusy) return;
			isBusy = true;
			say(null, t("Sending"));
			try {
				const { accepted, reason } = await send("api/batteries/" + encode(id) + "/settings", { setting, value: !input ? "ON" : input.type === "number" ? Number(input.value) : input.value }) || {};
				say(accepted ? "yes" : "no", accepted ? "✓ " + t("Accepted") : "▲ " + t("Refused"), english(reason ? ": " + reason : ""));
			} catch (error) {
				say("no", ...complaint(error));
				if (error.status === 401 || error.status === 403) setTimeout(() => view === mine && enter(), 2000);
			}
			isBusy = false;
		} }, input ? h("label", { for: input.id }, title) : h("strong", title), h("div.row", input, button), hint, says);
		form.append(node);
		return node;
	}
	for (const [setting, entry] of entries(settings())) {
		if (!entry?.setBy) continue;
		const title = setting.startsWith("relay/") ? t("Relay {n}", { n: setting.slice(6) }) : named("setting." + setting);
		const words = entry.options || (["ON", "OFF"].includes(entry.value) ? ["ON", "OFF"] : null), known = () => settings()[setting] || {};
		const figure = (x, unit) => number(x, x % 1 ? 2 : 0, unit), text = x => words && x ? t(String(x).toLowerCase()) : isNumber(x) ? figure(x, entry.unit) : x ?? "–";
		const input = words ? h("select", words.map(word => h("option", { value: word }, text(word)))) : h("input", { required: true }, typeof entry.value === "string" ? { maxlength: "32" }
			: { type: "number", min: entry.min, max: entry.max, step: { V: "0.01", A: "0.1" }[entry.unit] || "1" });
		const hint = h("p.quiet", live(() => dots(t("now {value}", { value: text(known().value) }), isNumber(known().max) ? t("{low} to {high}", { low: figure(known().min), high: figure(known().max, entry.unit) }) : "",
			known().setBy === "command" ? t("set by command") + " " + at(known().setAt) : t("from the configuration file"))));
		input.id = "set-" + setting;
		input.setAttribute("aria-describedby", hint.id = "hint-" + setting);
		item(setting, title, input, hint, t("Set"));
		// Changes from elsewhere show, but not below the reader's fingers.
		let last;
		bind(input, () => { const now = known().value ?? ""; if (now !== last && document.activeElement !== input) input.value = now; last = now; });
	}
	const action = (setting, title) => item(setting, t(title), null, null, t("Do it"));
	action("clearPeaks", "Forget highest and lowest");
	action("republish", "Send everything again");
	bind(action("allowDeepCharge", "Allow deep charge"), node => show(node, Object.values(paper("limits")?.names || {}).includes("deepDischarge")));
	if (!keys(settings()).length) form.prepend(h("p", t("The bridge has published no settings of this battery.")));
	form.append(h("button", { click: () => send("logout").then(enter, enter) }, t("Log out")));
	return form;
}

// Start

select.addEventListener("change", () => {
	attempt(() => localStorage.language = select.value);
	speak(select.value).then(() => go(true));
});
addEventListener("hashchange", () => go(false));
// Plots have their colours inside.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (view.again) go(true); });
listen(battery = route().id);
Promise.all([ask("session").then(one => model.token = one?.token, () => {}), speak(attempt(() => localStorage.language) || navigator.languages.map(one => one.slice(0, 2)).find(one => languages.includes(one)))]).then(() => {
	select.value = language;
	go(true);
});

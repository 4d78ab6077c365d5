// Adds to every case what ical.js makes of it: node answer.mjs ICAL_JS ZONES ASKED ANSWERED (./dev oracle does that). What
// it refuses, or does not finish, stands in the answer's place.

import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

const [, , library, zones, asked, answered] = process.argv;
const { default: ICAL } = await import(pathToFileURL(library));

for (const text of Object.values(JSON.parse(readFileSync(zones, "utf8")))) {
  ICAL.TimezoneService.register(new ICAL.Timezone(new ICAL.Component(ICAL.parse(text))));
}

// some rules it walks for ever without coming back to its caller
const SLOW = 300; // milliseconds
const run = new Script("answer()");

function event({ start, form, rules, rdates, exdates }, zone) {
  const kind = { date: ";VALUE=DATE", zoned: `;TZID=${zone}`, floating: "" }[form];
  const written = (name, at) => `${name}${kind}:${form === "date" ? at.slice(0, 8) : at}`;
  const lines = ["BEGIN:VEVENT", written("DTSTART", start)];
  lines.push(...rules.map((rule) => `RRULE:${rule}`));
  lines.push(...rdates.map((at) => written("RDATE", at)));
  // it walks them in the order in which they stand
  lines.push(...[...exdates].sort().map((at) => written("EXDATE", at)));
  return new ICAL.Component(ICAL.parse([...lines, "END:VEVENT"].join("\r\n")));
}

function answerTo({ anchor, strict }) {
  const component = event(strict, anchor);
  const property = component.getFirstProperty("dtstart");
  const dtstart = property.getFirstValue();
  const zone = ICAL.TimezoneService.get(anchor);
  if (strict.form === "zoned") dtstart.zone = zone;
  const expansion = new ICAL.RecurExpansion({ component, dtstart });
  const members = [];
  for (let at = expansion.next(); at; at = expansion.next()) {
    const local = at.isDate ? `${at.toString()}T00:00:00` : at.toString().replace("Z", "");
    if (local > strict.high || members.length > 5_000) break;
    if (local >= strict.low) {
      const read = ICAL.Time.fromData({ ...at.toJSON(), isDate: false, timezone: undefined }, zone);
      read.zone = zone;
      const offset = zone.utcOffset(read);
      members.push(`${local}${offset < 0 ? "" : "+"}${offset}`);
    }
  }
  return members;
}

const out = createWriteStream(answered);
for await (const line of createInterface({ input: createReadStream(asked) })) {
  const { strict, ...given } = JSON.parse(line);
  let icaljs;
  try {
    globalThis.answer = () => answerTo({ ...given, strict });
    icaljs = run.runInThisContext({ timeout: SLOW });
  } catch (error) {
    icaljs = { refused: error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? "it does not end" : error.message };
  }
  out.write(`${JSON.stringify({ ...given, icaljs })}\n`);
}
out.end();

// Copies what the pages use out of the pinned packages into static/. Run by `make assets`.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import subsetFont from "subset-font";

const here = dirname(fileURLToPath(import.meta.url));
const from = (...parts) => join(here, "node_modules", ...parts);
const to = (...parts) => {
  const path = join(here, "..", "static", ...parts);
  mkdirSync(dirname(path), { recursive: true });
  return path;
};

cpSync(from("htmx.org/dist/htmx.min.js"), to("vendor/htmx.min.js"));
cpSync(from("idiomorph/dist/idiomorph.min.js"), to("vendor/idiomorph.min.js"));

// Every first visit pays for the font, so it carries only the weights and features the style sheets use, and the first file
// only what Western European text needs. The digest is part of the name: a style sheet's url() has no place for "?v=".
const WEIGHTS = { wght: { min: 400, max: 700 } };
const FEATURES = ["ccmp", "cv05", "kern", "locl", "mark", "ss03", "tnum"];
const characters = (...ranges) => ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i))).join("");
const SUBSETS = {
  latin: characters([0x20, 0x7e], [0xa0, 0xff]) + "\u0131\u0152\u0153\u02c6\u02dc–—‘’‚“”„•…‹›\u2009\u202f€™↑↓−",
  "latin-ext": characters([0x100, 0x2ba], [0x1e00, 0x1eff], [0x20a0, 0x20c0]) + "†‡‰№",
};
for (const old of readdirSync(dirname(to("fonts/x")))) rmSync(to(`fonts/${old}`));
const fonts = {};
for (const [subset, text] of Object.entries(SUBSETS)) {
  const whole = readFileSync(from(`@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`));
  const font = await subsetFont(whole, text, { targetFormat: "woff2", variationAxes: WEIGHTS, keepFeatures: FEATURES });
  fonts[subset] = `inter-${subset}.${createHash("sha256").update(font).digest("hex").slice(0, 12)}.woff2`;
  writeFileSync(to(`fonts/${fonts[subset]}`), font);
}
const sheet = to("css/base.css");
const faces = readFileSync(sheet, "utf8");
writeFileSync(sheet, faces.replace(/fonts\/inter-(latin(?:-ext)?)(?:\.\w+)?\.woff2/g, (_, subset) => `fonts/${fonts[subset]}`));

// Brand icons, in the service's own colour. A service without one in the package gets a letter tile.
const BRANDS = {
  "services/xero": ["xero", "#13B5EA"],
  "services/quickbooks": ["quickbooks", "#2CA01C"],
  "services/stripe": ["stripe", "#635BFF"],
  "services/gmail": ["gmail", "#EA4335"],
  "services/google_sheets": ["googlesheets", "#34A853"],
  "clients/claude": ["claude", "#D97757"],
  "clients/gemini": ["googlegemini", "#8E75B2"],
  "clients/cursor": ["cursor", "currentColor"],
  "clients/windsurf": ["windsurf", "currentColor"],
  "clients/python": ["python", "#3776AB"],
  "clients/mcp": ["modelcontextprotocol", "currentColor"],
};
for (const [target, [name, colour]] of Object.entries(BRANDS)) {
  const svg = readFileSync(from(`simple-icons/icons/${name}.svg`), "utf8");
  writeFileSync(to(`icons/${target}.svg`), svg.replace(/<title>.*?<\/title>/, "").replace('role="img"', `fill="${colour}"`) + "\n");
}

const LINES = [
  "bot", "braces", "cable", "check", "chevron-down", "chevrons-up-down", "circle-alert", "code", "copy", "download", "ellipsis",
  "external-link", "key-round", "lock", "log-out", "mail", "menu", "message-circle", "plug-zap", "plus", "refresh-cw", "search",
  "shield-check", "terminal", "trash-2", "triangle-alert", "user", "users", "x",
];
for (const name of LINES) {
  const svg = readFileSync(from(`lucide-static/icons/${name}.svg`), "utf8");
  const tidy = svg.replace(/<!--.*?-->\s*/s, "").replace(/\s*class="[^"]*"/, "").replace(/\s+/g, " ").replace(/> </g, "><").trim();
  writeFileSync(to(`icons/lines/${name}.svg`), tidy + "\n");
}

const version = (name) => JSON.parse(readFileSync(from(name, "package.json"), "utf8")).version;
writeFileSync(
  to("vendor/VERSIONS.md"),
  `# Where these files come from

Copied by \`make assets\` from the npm packages pinned in \`assets/package-lock.json\`; do not edit them here.

| Package | Version | Licence | Files |
|---|---|---|---|
| htmx.org | ${version("htmx.org")} | 0BSD | vendor/htmx.min.js |
| idiomorph | ${version("idiomorph")} | 0BSD | vendor/idiomorph.min.js |
| @fontsource-variable/inter | ${version("@fontsource-variable/inter")} | OFL-1.1 | fonts/ |
| simple-icons | ${version("simple-icons")} | CC0-1.0 (the marks belong to their owners) | icons/services/, icons/clients/ |
| lucide-static | ${version("lucide-static")} | ISC | icons/lines/ |
`,
);

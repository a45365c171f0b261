"""Every page, in light and dark, on phones and on a screen: axe-core finds nothing, nothing is cut off or
moves, everything can be read and has a name, and the focus is always in sight.
"""

import itertools
import os
import re
import subprocess
import sys

import pytest

from tests.support import node
from tests.support.databases import ROOT

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]

SIGNED_OUT = (
    *("/", "/login", "/register", "/dev/mailbox", "/nowhere"),
    *("/docs", "/docs/ai-clients", "/docs/tokens", "/privacy", "/terms"),
)
MEMBERS = (
    *(
        "/integrations",
        "/integrations/add",
        "/ai-clients",
        "/ai-clients?client=gemini",
        "/ai-clients?client=chatgpt",
        "/ai-clients/attempts",
        "/approvals",
    ),
    *(
        "/usage",
        "/team",
        "/team/leave",
        "/activity",
        "/webhooks",
        "/memory",
        "/account",
        "/debug-oauth",
        "/nowhere",
    ),
)
OPERATORS = (
    "/admin",
    "/admin/workspaces",
    "/admin/usage",
    "/admin/usage?by=day",
    "/admin/people",
    "/admin/ai-clients",
    "/admin/connectors",
    "/admin/keys",
    "/admin/audit",
    "/admin/health",
)

# What is wrong with the page as it is drawn: text whose contrast is below AA, controls without a name, a jump
# in the tab order.
LOOK = """() => {
  const wrong = [];
  for (let left = 9; left && document.getAnimations().length; left--)  // a parent's may start a child's
    document.getAnimations().forEach((each) => each.finish());
  const colours = new Map();  // a page has few, and drawing one takes most of the time
  const parse = (text) => colours.get(text) ?? colours.set(text, drawn(text)).get(text);
  const drawn = (text) => {
    const canvas = drawn.canvas ||= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement)
      layers.push(parse(getComputedStyle(each).backgroundColor));
    const canvas = parse(matchMedia('(prefers-color-scheme: dark)').matches ? '#000' : '#fff');
    return layers.reverse().reduce((under, layer) => over(layer, under), canvas.slice(0, 3));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element)) continue;
    if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
    seen.add(element);
    if (element.closest('.visually-hidden, [disabled], [aria-disabled=true], script, style')) continue;
    const style = getComputedStyle(element), ground = behind(element);
    const ink = over(parse(style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5))
      wrong.push(`contrast ${ratio.toFixed(2)} of “${walker.currentNode.textContent.trim().slice(0, 40)}”`);
  }
  const controls = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  for (const control of document.querySelectorAll(controls)) {
    if (!control.checkVisibility() || (control.tabIndex < 0 && control.ariaHidden)) continue;
    const name = control.getAttribute('aria-label') || control.getAttribute('aria-labelledby')
      || control.textContent.trim()
      || [...(control.labels ?? [])].map((label) => label.textContent.trim()).join('')
      || control.querySelector('img')?.alt;
    if (!name) wrong.push(`no name: ${control.outerHTML.slice(0, 90)}`);
    if (control.tabIndex > 0) wrong.push(`out of turn: ${control.outerHTML.slice(0, 90)}`);
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not exactly one h1');
  if (document.documentElement.scrollWidth > innerWidth) {
    const sticksOut = (each) =>
      each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('pre, .table-frame');
    const wide = [...document.body.querySelectorAll('*')].filter(sticksOut);
    const first = wide.slice(0, 3).map((each) => each.outerHTML.slice(0, 80)).join(' | ');
    wrong.push(`wider than the screen: ${first}`);
  }
  return wrong;
}"""


# Every rule of axe, also those that are off by default because they are young; or only those named.
AXE = """async (only) => {
  const rules = { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } };
  const chosen = only ? { runOnly: { type: 'rule', values: only } } : { rules };
  const found = await axe.run(document, { ...chosen, resultTypes: ['violations'] });
  const where = (each) => each.nodes.slice(0, 3).map((one) => one.html.slice(0, 120)).join(' | ');
  return found.violations.map((each) => `axe ${each.id}: ${where(each)}`);
}"""
# How much moved while the page was loading (Cumulative Layout Shift).
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  const add = (list) => list.getEntries().forEach((each) => each.hadRecentInput || (sum += each.value));
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => done(sum), 60);
})"""
# What stands on the page, without what is another number each time.
CONTENT = """() => {
  const tags = [...document.body.querySelectorAll('*')].map((each) => `${each.localName}.${each.className}`);
  return `${tags.join()} ${document.body.innerText.replace(/\\d+/g, '0')}`;
}"""
# Whether the focused control is on the screen and nothing lies over all of it (WCAG 2.4.11).
HIDDEN = """() => {
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  if (focused === document.body || !box.width) return null;
  for (const x of [0.1, 0.5, 0.9]) for (const y of [0.1, 0.5, 0.9]) {
    const hit = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
    if (hit && (focused.contains(hit) || hit.contains(focused))) return null;
  }
  return focused.outerHTML.slice(0, 100);
}"""
SIZES = ((1280, 800), (360, 740), (320, 640))
# The rules of axe for each scheme: all of them in the light, in the dark those about colours. More than that
# cannot differ, see `test_the_dark_scheme_is_other_colours_and_nothing_else`.
SCHEMES = {"light": None, "dark": ["color-contrast", "link-in-text-block"]}


def faults_of(person, paths, seen=None):
    """What is wrong on these pages, each looked at in six ways, and what the browser complained about.

    `seen` is the content of pages that were looked at before: what is still the same is not looked at again.
    """
    seen = {} if seen is None else seen
    axe = (node.install() / "axe-core" / "axe.min.js").read_text()
    faults, page = [], person.page
    page.on(
        "console",
        lambda line: (
            line.type == "error" and "404" not in line.text and faults.append(f"console: {line.text}")
        ),
    )
    for path in paths:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": 1280, "height": 800})
        person.go(path)
        if (moved := page.evaluate(SHIFT)) > 0.01:
            faults.append(f"{path}: moved by {moved:.3f} while loading")
        content = page.evaluate(CONTENT)
        if seen.get(path) == content:
            continue
        seen[path] = content
        page.evaluate(axe)
        for (width, height), (scheme, rules) in itertools.product(SIZES, SCHEMES.items()):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = [*page.evaluate(LOOK), *page.evaluate(AXE, rules)]
            faults += [f"{path} ({scheme}, {width}): {fault}" for fault in found]
    return faults


def faults_without_our_font(person, paths):
    """What is wrong on a small phone while our font has not loaded: most fallbacks are wider."""
    person.page.route("**/*.woff2*", lambda route: route.abort())
    width, height = SIZES[-1]
    person.page.set_viewport_size({"width": width, "height": height})
    faults = []
    for path in paths:
        person.go(path)
        faults += [f"{path} ({width}): {fault}" for fault in person.page.evaluate(LOOK)]
    return faults


def controls_that_hide(person, paths):
    """The controls that somebody who goes through a page by keyboard cannot see while they have the focus."""
    hidden = []
    person.page.set_viewport_size({"width": 360, "height": 640})
    for path in paths:
        person.go(path)
        for _ in range(70):
            person.page.keyboard.press("Tab")
            if found := person.page.evaluate(HIDDEN):
                hidden.append(f"{path}: {found}")
    return hidden


def test_the_dark_scheme_is_other_colours_and_nothing_else():
    """It sets variables alone, and none of those that are sizes."""
    css = "".join(file.read_text() for file in (ROOT / "static" / "css").rglob("*.css"))
    [dark] = re.findall(r"@media \(prefers-color-scheme: \w+\) \{\s*:root \{(.*?)\}\s*\}", css, re.DOTALL)
    assert css.count("prefers-color-scheme") == 1
    names = re.findall(r"^\s*([\w-]+):", dark, re.MULTILINE)
    assert {"--ground", "--ink"} < set(names)
    assert not [
        name for name in names if not name.startswith("--") or re.match("--(text|space|radius|column)", name)
    ]


def test_pages_for_everybody(arrive):
    assert not faults_of(arrive("olga"), SIGNED_OUT)


def test_refused_forms_for_everybody(arrive):
    olga = arrive("omar")
    olga.go("/register")
    olga.page.get_by_label("Company").fill("Omar & Sons")
    olga.button("Create account").click()
    olga.sees("Enter your email address.")
    assert olga.page.evaluate("document.activeElement.name") == "email", "the first wrong field has the focus"
    olga.page.evaluate((node.install() / "axe-core" / "axe.min.js").read_text())
    assert not [*olga.page.evaluate(LOOK), *olga.page.evaluate(AXE)]


def test_a_password_can_be_shown_while_it_is_typed(arrive):
    omar = arrive("omar")
    omar.go("/register")
    field = omar.page.get_by_label("Password")
    field.fill("violet-anchor")
    omar.button("Show password").click()
    assert field.get_attribute("type") == "text"
    omar.button("Hide password").click()
    assert field.get_attribute("type") == "password"
    careful = arrive("omar", javascript=False)
    careful.go("/register")
    assert careful.button("Show password").count() == 0


def in_use(paula):
    """Two connections, a note, a token, a webhook that fails."""
    paula.go("/integrations")
    paula.connect("Gmail")
    paula.connect("Xero")
    paula.go("/memory")
    paula.page.get_by_label("Note", exact=True).fill("Acme pays on the 5th of the month")
    paula.button("Save note").click()
    paula.go("/ai-clients")
    paula.page.get_by_label("Name", exact=True).fill("laptop")
    paula.button("Generate token").click()
    paula.sees("Your new token")
    paula.go("/webhooks")
    paula.page.get_by_label("URL").fill("http://127.0.0.1:9/")  # nobody listens there
    paula.button("Add webhook").click()
    paula.button("Send a test event").click()
    paula.sees("Not delivered")


# As long as addresses and names get, with nowhere to break.
LONG_NAME = "paula.featherstonehaugh-vandenberghe.accountsreceivable"
LONG_COMPANY = "Donaudampfschifffahrtsgesellschaft"


@pytest.mark.timeout(900)
def test_pages_of_a_member(arrive):
    paula = arrive(LONG_NAME, company=LONG_COMPANY)
    paula.create_account()
    seen = {}
    assert not faults_of(paula, MEMBERS, seen), "with nothing in them yet"
    in_use(paula)
    own = paula.page.evaluate(
        "async () => (await (await fetch('/integrations/status')).json()).connectors"
        ".flatMap((each) => each.connections.map((one) => `/integrations/${each.slug}/${one.id}`))"
    )
    paula.go("/webhooks")
    webhook = paula.page.locator('a[href^="/webhooks/"]').get_attribute("href")
    assert not faults_of(paula, (*MEMBERS, *own[:1], webhook), seen)
    assert not faults_without_our_font(paula, (*MEMBERS, *own[:1], webhook))


def test_the_focus_is_always_in_sight(arrive):
    paula = arrive("pia")
    paula.create_account()
    in_use(paula)
    assert not controls_that_hide(paula, ("/integrations", "/ai-clients", "/account", "/team"))


def test_on_a_phone_the_navigation_is_there(arrive):
    paula = arrive("pam")
    paula.create_account()
    paula.page.set_viewport_size({"width": 360, "height": 740})
    paula.go("/usage")
    links = paula.page.get_by_role("navigation", name="Main").get_by_role("link")
    assert [links.nth(n).is_visible() for n in range(links.count())] == [True] * 5
    paula.page.get_by_role("link", name="Approvals").click()
    assert paula.is_at("/approvals")


def test_in_forced_colours_the_current_page_is_still_marked(arrive):
    paula = arrive("pit")
    paula.create_account()
    paula.page.emulate_media(forced_colors="active")
    paula.go("/usage")
    outline = "(link) => getComputedStyle(link).outlineStyle"
    links = paula.page.get_by_role("navigation", name="Main")
    assert links.locator("[aria-current]").evaluate(outline) == "solid"
    assert links.locator("a:not([aria-current])").first.evaluate(outline) == "none"


@pytest.mark.timeout(600)
def test_pages_of_an_operator(arrive, product):
    oskar = arrive(LONG_NAME, company=LONG_COMPANY)
    oskar.create_account()
    make = [sys.executable, "-m", "flask", "--app", "wsgi", "create-operator", oskar.email]
    subprocess.run(
        make, cwd=ROOT, env={**os.environ, **product.environ}, check=True, capture_output=True, timeout=60
    )
    assert not faults_of(oskar, OPERATORS)
    oskar.go("/admin/people")
    oskar.page.locator("summary", has_text="Disable").first.click()
    oskar.page.evaluate((node.install() / "axe-core" / "axe.min.js").read_text())
    assert not [*oskar.page.evaluate(LOOK), *oskar.page.evaluate(AXE)], "while it asks"

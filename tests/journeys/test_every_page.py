"""Every page, in light and dark, on a phone and on a screen: nothing is cut off, everything can be read
and has a name.
"""

import os
import subprocess
import sys

import pytest

from tests.support.databases import ROOT

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]

SIGNED_OUT = ("/", "/login", "/register", "/dev/mailbox", "/nowhere")
MEMBERS = (
    *(
        "/integrations",
        "/ai-clients",
        "/ai-clients?client=gemini",
        "/ai-clients?client=chatgpt",
        "/ai-clients/attempts",
        "/approvals",
    ),
    *("/usage", "/team", "/team/leave", "/activity", "/memory", "/account", "/debug-oauth", "/nowhere"),
)
OPERATORS = (
    "/admin",
    "/admin/workspaces",
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
  document.getAnimations().forEach((each) => each.finish());
  const parse = (text) => {
    const canvas = parse.canvas ||= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
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


def faults_of(person, paths):
    """What is wrong on these pages, each looked at four times, and what the browser complained about."""
    faults = []
    person.page.on(
        "console",
        lambda line: (
            line.type == "error" and "404" not in line.text and faults.append(f"console: {line.text}")
        ),
    )
    for path in paths:
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")):
            person.page.set_viewport_size({"width": width, "height": 800})
            person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            person.go(path)
            faults += [f"{path} ({scheme}, {width}): {fault}" for fault in person.page.evaluate(LOOK)]
    return faults


def test_pages_for_everybody(arrive):
    assert not faults_of(arrive("olga"), SIGNED_OUT)


def test_pages_of_a_member(arrive):
    paula = arrive("paula")
    paula.create_account()
    assert not faults_of(paula, MEMBERS), "with nothing in them yet"
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
    assert not faults_of(paula, MEMBERS)


def test_pages_of_an_operator(arrive, product):
    oskar = arrive("oskar")
    oskar.create_account()
    make = [sys.executable, "-m", "flask", "--app", "wsgi", "create-operator", oskar.email]
    subprocess.run(
        make, cwd=ROOT, env={**os.environ, **product.environ}, check=True, capture_output=True, timeout=60
    )
    assert not faults_of(oskar, OPERATORS)

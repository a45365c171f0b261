// The one poller. An element with data-poll="4" gets the event "poll" every four seconds while the page is visible, and at
// once when it becomes visible again; its hx-trigger="poll" asks the server (204 when nothing changed).
(() => {
  "use strict";

  const due = new WeakMap();
  const poll = (all) => {
    if (document.hidden) return;
    const now = performance.now();
    document.querySelectorAll("[data-poll]").forEach((element) => {
      const isDue = all || due.get(element) <= now;
      if (isDue || !due.has(element)) due.set(element, now + element.dataset.poll * 1000);
      if (isDue && !element.classList.contains("htmx-request")) htmx.trigger(element, "poll");
    });
  };
  setInterval(poll, 500, false);
  document.addEventListener("visibilitychange", () => poll(true));

  // What was asked for before a change was answered may still say what was before: it is asked for again instead.
  let changes = 0;
  const changesBefore = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => changesBefore.set(event.detail.xhr, changes));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, verb } = event.detail.requestConfig;
    if (verb !== "get") changes += 1;
    else if ("poll" in elt.dataset && changesBefore.get(event.detail.xhr) !== changes) {
      event.detail.shouldSwap = false;
      htmx.trigger(elt, "poll"); // htmx sends it when this one is done
    }
  });
})();

// A board of cards (connections, approvals) is morphed: only the cards that changed. Open menus, focus and half-typed names stay.
(() => {
  "use strict";

  const unchanged = (before, after) => before.dataset?.version && before.dataset.version === after.dataset?.version;
  const callbacks = {
    beforeNodeMorphed: (before, after) => !unchanged(before, after),
    afterNodeMorphed: (before) => before.dataset?.version && fade(before),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  };
  const fade = (card) => {
    card.classList.add("fresh");
    card.addEventListener("animationend", () => card.classList.remove("fresh"), { once: true });
  };

  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap: (style, target, fragment) => {
      if (style !== "morph") return false;
      const held = document.activeElement?.closest("[data-slug]")?.dataset.slug ?? pressed;
      // What is being typed stays; a menu's button with the focus has no value, but words that change.
      const ignoreActiveValue = document.activeElement?.tagName !== "SUMMARY";
      const result = Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML", ignoreActiveValue, callbacks });
      refocus(held);
      return result;
    },
  });

  // What a change had to say goes away by itself, or when it is clicked.
  let leaving;
  const clear = () => document.getElementById("toasts")?.replaceChildren();
  document.addEventListener("htmx:oobAfterSwap", () => {
    clearTimeout(leaving);
    leaving = setTimeout(clear, 9000);
  });
  document.addEventListener("click", (event) => event.target.closest(".toasts") && clear());

  // The pressed button may be gone (Disconnect became Connect): focus moves to what took its place.
  let pressed;
  document.addEventListener("htmx:beforeRequest", (event) => {
    pressed = event.detail.elt.contains(document.activeElement) ? event.detail.elt.closest("[data-slug]")?.dataset.slug : undefined;
  });
  // A choice from a card's menu closes it, and the focus returns to the menu's button: the pressed one is disabled meanwhile.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const menu = event.detail.elt.closest("[data-slug] details.menu");
    menu?.removeAttribute("open");
    menu?.querySelector("summary").focus();
  });

  // "Saved" beside a control goes away by itself, and with the next choice, so that each is announced.
  let fading;
  const unsave = () => document.querySelectorAll(".saved-note").forEach((note) => note.replaceChildren());
  document.addEventListener("htmx:beforeRequest", (event) => event.detail.elt.closest("[data-slug]") && unsave());
  document.addEventListener("htmx:afterSettle", () => {
    clearTimeout(fading);
    fading = setTimeout(unsave, 4000);
  });

  // Never a button that disconnects: what took the place may be another account, and the key may be pressed once more.
  const refocus = (slug) => {
    if (!slug || document.activeElement !== document.body) return;
    const card = document.querySelector(`[data-slug="${CSS.escape(slug)}"][tabindex]`);
    const inside = `[data-slug="${CSS.escape(slug)}"] `;
    const controls = document.querySelectorAll(`${inside}.levels > summary, ${inside}form:not([action$="/disconnect"]) button:not(:disabled)`);
    ([...controls].find((control) => control.checkVisibility()) ?? card)?.focus({ preventScroll: true });
  };
})();

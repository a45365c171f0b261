// A board of cards (connections, approvals) keeps itself true: every four seconds, while it is looked at, it asks whether anything
// changed (204 when not) and morphs only the cards that did. Open menus, focus and half-typed names stay.
(() => {
  "use strict";

  const board = () => document.getElementById("board");
  const look = () => {
    if (board() && !document.hidden) htmx.trigger(document.body, "look");
  };
  setInterval(look, 4000);
  document.addEventListener("visibilitychange", look);

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
      const result = Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
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
  const refocus = (slug) => {
    if (!slug || document.activeElement !== document.body) return;
    const card = document.querySelector(`[data-slug="${CSS.escape(slug)}"][tabindex]`);
    const buttons = document.querySelectorAll(`[data-slug="${CSS.escape(slug)}"] button:not(:disabled)`);
    ([...buttons].find((button) => button.checkVisibility()) ?? card)?.focus({ preventScroll: true });
  };
})();

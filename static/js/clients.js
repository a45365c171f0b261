// The AI clients page marks the guide that is chosen, and keeps open what somebody reads. live.js keeps it current.
(() => {
  "use strict";

  document.addEventListener("htmx:afterRequest", (event) => {
    const chosen = event.detail.successful && event.detail.elt.closest("[data-guide]");
    if (!chosen) return;
    document.querySelectorAll("[data-guide]").forEach((tab) => tab.removeAttribute("aria-current"));
    chosen.setAttribute("aria-current", "true");
  });

  // An attempt somebody reads stays open when its next step arrives.
  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "attempts") open = [...document.querySelectorAll("#attempts details[open]")].map((each) => each.id);
  });
  document.addEventListener("htmx:afterSwap", () => open.forEach((id) => document.getElementById(id)?.setAttribute("open", "")));
})();

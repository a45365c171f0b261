// The AI clients page marks the guide that is chosen, fills in a new token, and keeps open what somebody reads. live.js keeps
// it current. On the page of one client, what is ticked stays of one mind.
(() => {
  "use strict";

  document.addEventListener("htmx:afterRequest", (event) => {
    const chosen = event.detail.successful && event.detail.elt.closest("[data-guide]");
    if (!chosen) return;
    document.querySelectorAll("[data-guide]").forEach((tab) => tab.removeAttribute("aria-current"));
    chosen.setAttribute("aria-current", "true");
    document.getElementById("token-guide").value = chosen.dataset.guide;
  });

  // A new token is displayed once. Guides that are opened afterwards have it in their snippets, too.
  document.addEventListener("htmx:afterSwap", () => {
    const token = document.getElementById("new-token")?.value;
    if (token) document.querySelectorAll("[data-token]").forEach((place) => (place.textContent = token));
  });

  // Unticking a connection means "only the ticked ones", and "all" ticks them all, as the server reads the form.
  document.addEventListener("change", (event) => {
    const form = event.target.closest(".selection");
    if (!form) return;
    const boxes = [...form.querySelectorAll('[name="connection"]')];
    if (event.target.name === "connections" && event.target.value === "all") boxes.forEach((box) => (box.checked = true));
    if (event.target.name === "connection" && !event.target.checked) form.querySelector('[name="connections"][value="chosen"]').checked = true;
  });

  // An attempt somebody reads stays open when its next step arrives.
  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "attempts") open = [...document.querySelectorAll("#attempts details[open]")].map((each) => each.id);
  });
  document.addEventListener("htmx:afterSwap", () => open.forEach((id) => document.getElementById(id)?.setAttribute("open", "")));
})();

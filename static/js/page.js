// What every page does a little better with JavaScript. Nothing here is needed for a page to work.
(() => {
  "use strict";

  // Menus are <details>: close them on Escape, on a click elsewhere, and when another opens.
  const close = (menu) => menu.removeAttribute("open");
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu.contains(event.target) || close(menu));
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) {
      close(menu);
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("focusin", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu.contains(event.target) || close(menu));
  });

  // Relative times stay true while the page is open. The server writes the same words (app/web/look.py).
  const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"} ago`;
  const words = (at) => {
    const seconds = (Date.now() - at) / 1000;
    if (seconds < 60) return "just now";
    if (seconds < 3600) return counted(Math.floor(seconds / 60), "minute");
    if (seconds < 86400) return counted(Math.floor(seconds / 3600), "hour");
    if (seconds < 172800) return "yesterday";
    return seconds < 604800 ? counted(Math.floor(seconds / 86400), "day") : null;
  };
  setInterval(() => {
    document.querySelectorAll("time[data-ago]").forEach((time) => {
      let text = words(Date.parse(time.dateTime));
      if (text && time.dataset.ago === "capital") text = text[0].toUpperCase() + text.slice(1);
      if (text && text !== time.textContent) time.textContent = text;
    });
  }, 15000);

  // "Copy" buttons: data-copy names the element whose text is copied.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    navigator.clipboard.writeText(source.value ?? source.textContent.trim()).then(() => {
      const before = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = before), 1600);
    });
  });

  // A form that leaves the page is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.hasAttribute("hx-post") || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // A request that was refused is answered with a sentence: show it at the top instead of swallowing it.
  const complain = (markup) => {
    const main = document.getElementById("content");
    main.querySelectorAll(".banner.bad").forEach((old) => old.remove());
    main.insertAdjacentHTML("afterbegin", markup);
    main.firstElementChild.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.hasAttribute("data-quiet")) return;
    complain(event.detail.xhr.responseText);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.elt.hasAttribute("data-quiet")) return;
    complain('<div class="banner bad" role="alert"><p><b>You seem to be offline.</b> Nothing was changed; try again in a moment.</p></div>');
  });
})();

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

  // Relative times stay true while the page is open. The server writes the same words (app/web/times.py).
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

  // What changed on the page without a reload is announced to screen readers.
  const announce = (words) => {
    const live = document.getElementById("announcements");
    live.textContent = "";
    setTimeout(() => (live.textContent = words), 60); // the same words twice are two announcements
  };

  // "Copy" buttons: data-copy names the element whose text or value is copied. The clipboard API needs https or localhost;
  // elsewhere the old command copies a selection, and where that is refused too the text is left selected.
  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  };
  const select = (source) => {
    if (source.select) return source.select();
    getSelection().selectAllChildren(source);
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.dataset.busy) return;
    const source = document.getElementById(button.dataset.copy);
    const text = source.value ?? source.textContent.trim();
    let copied = false;
    try {
      await navigator.clipboard.writeText(text);
      copied = true;
    } catch {
      copied = copyBySelection(text);
      button.focus();
    }
    if (!copied) select(source);
    const words = copied ? "Copied" : "Press Ctrl+C";
    const label = button.querySelector("span:not(.visually-hidden)") ?? button;
    const before = label.textContent;
    button.dataset.busy = "1";
    button.style.minWidth = `${button.offsetWidth}px`; // the shorter word moves nothing
    label.textContent = words;
    announce(copied ? "Copied" : "Selected. Press Ctrl+C to copy.");
    setTimeout(() => {
      label.textContent = before;
      delete button.dataset.busy;
    }, 1600);
  });

  // A field for a secret can be read while it is typed.
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest(".secret-toggle");
    if (!toggle) return;
    const field = toggle.parentElement.querySelector("input");
    const shows = field.type === "password";
    field.type = shows ? "text" : "password";
    toggle.firstChild.textContent = shows ? "Hide" : "Show";
  });
  document.addEventListener("submit", (event) => {
    // Browsers offer to save a password only from a password field.
    event.target.querySelectorAll(".secret > input[type=text]").forEach((field) => (field.type = "password"));
  });

  // Forms that create or enter an account carry the browser's time zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.querySelectorAll("input[name=time_zone][type=hidden]").forEach((field) => (field.value = zone));

  // The response to a form that displays a secret once takes the address of the page it is: a reload asks for that
  // page, and does not send the form again, which would make or rotate another secret.
  const own = document.querySelector("[data-own-address]");
  if (own) history.replaceState(history.state, "", own.dataset.ownAddress);

  // A form that was refused puts the focus into its first wrong field.
  document.querySelector("main [aria-invalid=true]")?.focus();

  // Whoever chose on the consent page to connect one service and return, returns without pressing Continue.
  if (document.querySelector("form[data-goes-on]")) {
    const goOn = () => document.querySelector('form[action="/integrations/complete"]')?.requestSubmit();
    setTimeout(goOn, 1200);
  }

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
    complain('<div class="banner bad" role="alert"><p><b>You seem to be offline.</b> Nothing changed. Try again in a moment.</p></div>');
  });
})();

// What htmx can't do: drawer, theme, menus, copy buttons, tabs, toasts. All by delegation, so that swapped-in parts work too.
(() => {
  "use strict";
  const root = document.documentElement;
  const body = document.body;

  // Drawer
  const opener = document.querySelector("[data-drawer-open]");
  const sidebar = document.getElementById("sidebar");
  const shell = document.querySelector(".shell");
  const setDrawer = (isOpen) => {
    body.classList.toggle("is-drawer-open", isOpen);
    opener?.setAttribute("aria-expanded", String(isOpen));
    shell.inert = isOpen;
    document.querySelector(".scrim").hidden = !isOpen;
    (isOpen ? sidebar.querySelector("a") : opener)?.focus();
  };
  opener?.addEventListener("click", () => setDrawer(true));
  window.matchMedia("(min-width: 901px)").addEventListener("change", () => body.classList.contains("is-drawer-open") && setDrawer(false));

  // Theme: shown at once, kept on the server
  const switchTheme = () => {
    const isDark = root.dataset.theme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    window.htmx?.ajax("POST", body.dataset.themeUrl, { source: body, swap: "none", values: { theme: root.dataset.theme } });
  };

  // Copying works without the clipboard API too: plain http on another host has none
  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text, className: "sr-only" });
      (button.closest("dialog") ?? body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.classList.add("is-done");
    window.setTimeout(() => button.classList.remove("is-done"), 1500);
  };

  const selectTab = (tab) => {
    for (const one of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
      const isChosen = one === tab;
      one.setAttribute("aria-selected", String(isChosen));
      one.tabIndex = isChosen ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !isChosen;
    }
  };

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-drawer-close]")) setDrawer(false);
    if (on("[data-theme-switch]")) switchTheme();
    if (on("[data-copy]")) copy(on("[data-copy]"));
    if (on("[data-toast-close]")) on("[data-toast]").remove();
    if (on("[role=tab]")) selectTab(on("[role=tab]"));
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (body.classList.contains("is-drawer-open")) setDrawer(false);
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    const tab = event.target.closest?.("[role=tab]");
    if (tab && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
      const next = tabs.at((tabs.indexOf(tab) + (event.key === "ArrowRight" ? 1 : -1)) % tabs.length);
      selectTab(next);
      next.focus();
    }
  });

  // A failed htmx request is said in words instead of nothing happening
  document.addEventListener("htmx:responseError", () => say("That did not work. Reload the page and try again."));
  document.addEventListener("htmx:sendError", () => say("The server can't be reached. Check the connection and try again."));
  const say = (text) => {
    const toast = document.createElement("div");
    toast.className = "toast toast-error";
    toast.dataset.toast = "";
    const words = Object.assign(document.createElement("span"), { className: "toast-text", textContent: text });
    const close = Object.assign(document.createElement("button"), { type: "button", className: "link-button", textContent: "Dismiss" });
    close.dataset.toastClose = "";
    toast.append(words, close);
    document.getElementById("toasts").replaceChildren(toast);
  };

  // After a refused save the reader stands at the first field to mend
  document.querySelector("[aria-invalid=true]")?.focus();

  // Plain confirmations leave on their own; those with an Undo, and errors, stay until they are closed or the page is left
  for (const toast of document.querySelectorAll(".toast-success, .toast-info")) {
    if (!toast.querySelector("form")) window.setTimeout(() => toast.remove(), 8000);
  }
})();

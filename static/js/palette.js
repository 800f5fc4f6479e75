// The command palette: opened by / or Ctrl K, moved through with the arrow keys; the results come from the server.
(() => {
  "use strict";
  const palette = document.getElementById("palette");
  const input = document.getElementById("palette-input");
  const results = document.getElementById("palette-results");
  const items = () => [...results.querySelectorAll("[role=option]")];

  const open = () => {
    if (palette.open) return;
    palette.showModal();
    input.select();
    window.htmx?.trigger(input, "palette-open");
  };

  const choose = (item) => {
    for (const one of items()) one.setAttribute("aria-selected", String(one === item));
    input.setAttribute("aria-activedescendant", item?.id ?? "");
    item?.scrollIntoView({ block: "nearest" });
  };

  const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !isTyping(event.target));
    if (isShortcut && !event.altKey) {
      event.preventDefault();
      open();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) open();
    if (event.target === palette) palette.close();
  });

  input.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose(all.at((at + (event.key === "ArrowDown" ? 1 : -1)) % all.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      (all[at] ?? all[0])?.click();
    }
  });

  results.addEventListener("htmx:afterSwap", () => choose(items()[0]));
})();

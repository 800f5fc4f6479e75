// The chain editor of aliases, the filter of offered models, and selects that send their form.
(() => {
  "use strict";

  // Targets: the order of the rows on the page is the order in which they are sent
  const list = document.querySelector("[data-targets]");
  const status = document.querySelector("[data-chain-status]");
  const rows = () => [...list.querySelectorAll("[data-target-row]")];

  const announce = (row) => {
    if (status) status.textContent = `Target ${rows().indexOf(row) + 1} of ${rows().length}`;
    refresh();
  };

  const refresh = () => {
    rows().forEach((row, place, all) => {
      row.querySelector("[data-row-up]").disabled = place === 0;
      row.querySelector("[data-row-down]").disabled = place === all.length - 1;
      row.querySelector("[data-row-remove]").disabled = all.length === 1;
      row.querySelector("[name=target_model]").setAttribute("aria-label", `Model of target ${place + 1}`);
    });
  };

  const addRow = () => {
    const row = document.querySelector("[data-target-template]").content.firstElementChild.cloneNode(true);
    list.append(row);
    window.htmx?.process(row);
    row.querySelector("input").focus();
    announce(row);
  };

  const move = (row, by, button) => {
    const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    other[by < 0 ? "before" : "after"](row);
    announce(row);
    (button.disabled ? row.querySelector(by < 0 ? "[data-row-down]" : "[data-row-up]") : button).focus();
  };

  const remove = (row) => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    next?.querySelector("input").focus();
    announce(next);
  };

  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-target-row]");
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-row-add]")) addRow();
    else if (row && button.matches("[data-row-up]")) move(row, -1, button);
    else if (row && button.matches("[data-row-down]")) move(row, 1, button);
    else if (row && button.matches("[data-row-remove]")) remove(row);
  });

  // Dragging by the grip, with mouse, pen or finger
  let dragged = null;
  list?.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button > 0) return;
    dragged = grip.closest("[data-target-row]");
    dragged.classList.add("is-dragged");
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  list?.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const over = rows().find((row) => row !== dragged && event.clientY > row.getBoundingClientRect().top && event.clientY < row.getBoundingClientRect().bottom);
    if (!over) return;
    const middle = over.getBoundingClientRect().top + over.offsetHeight / 2;
    over[event.clientY < middle ? "before" : "after"](dragged);
  });
  const drop = () => {
    dragged?.classList.remove("is-dragged");
    if (dragged) announce(dragged);
    dragged = null;
  };
  list?.addEventListener("pointerup", drop);
  list?.addEventListener("pointercancel", drop);
  if (list) refresh();

  // Offered models
  const filter = document.querySelector("[data-offers-filter]");
  const shown = () => [...document.querySelectorAll("[data-offer]")].filter((row) => !row.hidden);
  filter?.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("[data-offer]")) row.hidden = !row.dataset.offer.includes(wanted);
  });
  filter?.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  document.querySelector("[data-offers-all]")?.addEventListener("click", () => {
    const boxes = shown().map((row) => row.querySelector("input")).filter((box) => !box.disabled);
    const areAllChosen = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !areAllChosen;
  });
})();

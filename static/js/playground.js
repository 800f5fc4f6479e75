/* The playground: keys, stopping, comparing, a clock while answers stream. htmx sends the form and swaps the events in. */
(() => {
  "use strict";

  const form = () => document.querySelector("[data-playground]");
  const running = () => [...document.querySelectorAll('[data-answer][data-state="running"]')];
  let ticking = null;

  function showRunning() {
    const live = running().length > 0;
    const stop = document.querySelector("[data-stop]");
    if (stop) stop.disabled = !live;
    if (live && ticking === null) ticking = window.setInterval(tick, 100);
    if (!live && ticking !== null) {
      window.clearInterval(ticking);
      ticking = null;
    }
  }

  function tick() {
    const now = performance.now();
    for (const answer of running()) {
      if (!answer.startedAt) answer.startedAt = now;
      answer.querySelector("[data-clock]").textContent = `${((now - answer.startedAt) / 1000).toFixed(1)} s`;
    }
  }

  function finish(answer, state) {
    answer.dataset.state = state;
    showRunning();
  }

  /* The extension closes an event source when its element is cleaned up; the server then closes the call upstream. */
  function stopAll() {
    for (const answer of running()) {
      finish(answer, "stopped");
      htmx.trigger(answer, "htmx:beforeCleanupElement");
    }
  }

  function addModel() {
    const rows = form().querySelectorAll("[data-model-row]");
    const last = rows[rows.length - 1];
    const copy = last.cloneNode(true);
    const select = copy.querySelector("select");
    select.id = `model-${rows.length + 1}`;
    select.setAttribute("aria-label", "Compared with");
    select.selectedIndex = (last.querySelector("select").selectedIndex + 1) % select.options.length;
    copy.querySelector("[data-model-remove]").hidden = false;
    last.after(copy);
    select.focus();
    modelsChanged();
  }

  /* Narrow the last select to the names that hold what is typed; the first of them is chosen. Empty brings all back. */
  const everyGroup = new WeakMap();

  function findModel(typed) {
    const selects = form().querySelectorAll("[data-model-row] select");
    const select = selects[selects.length - 1];
    if (!everyGroup.has(select)) everyGroup.set(select, select.cloneNode(true));
    const wanted = typed.trim().toLowerCase();
    const before = select.value;
    const groups = everyGroup.get(select).cloneNode(true);
    for (const option of groups.querySelectorAll("option")) {
      if (wanted && !option.textContent.toLowerCase().includes(wanted)) option.remove();
    }
    for (const group of groups.querySelectorAll("optgroup")) if (!group.children.length) group.remove();
    if (!groups.options.length) return;
    select.replaceChildren(...groups.children);
    select.value = before;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    if (select.value !== before) modelsChanged();
  }

  function modelsChanged() {
    const rows = form().querySelectorAll("[data-model-row]");
    form().querySelector("[data-model-add]").hidden = rows.length >= Number(form().dataset.most);
    htmx.trigger(form().querySelector("[data-models]"), "models-changed");
  }

  async function copyAnswer(button) {
    const words = button.querySelector("span");
    await navigator.clipboard.writeText(button.closest("[data-answer]").querySelector(".answer-text").textContent);
    words.textContent = "Copied";
    window.setTimeout(() => (words.textContent = "Copy answer"), 1500);
  }

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    if (hit("[data-stop]")) stopAll();
    else if (hit("[data-model-add]")) addModel();
    else if (hit("[data-model-remove]")) {
      hit("[data-model-row]").remove();
      modelsChanged();
    } else if (hit("[data-copy-answer]")) copyAnswer(hit("[data-copy-answer]"));
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-model-search]")) findModel(event.target.value);
  });

  document.addEventListener("keydown", (event) => {
    if (!form()) return;
    if (event.key === "Enter" && event.target.matches("[data-model-search]") && !event.ctrlKey && !event.metaKey) event.preventDefault();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form().requestSubmit();
    } else if (event.key === "Escape" && running().length && !document.querySelector("dialog[open]")) {
      stopAll();
    }
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt === form()) stopAll();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    showRunning();
    const isBelow = window.matchMedia("(max-width: 999px)").matches;
    if (isBelow && event.target.id === "answers") event.target.scrollIntoView({ block: "start" });
  });
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    const answer = event.target.closest("[data-answer]");
    if (answer && answer.dataset.state !== "running") event.preventDefault();
  });
  document.addEventListener("htmx:sseMessage", (event) => {
    const text = event.target.closest(".answer-text");
    if (text && text.scrollHeight - text.scrollTop - text.clientHeight < 80) text.scrollTop = text.scrollHeight;
  });
  document.addEventListener("htmx:sseClose", (event) => {
    const answer = event.target.closest("[data-answer]");
    if (answer && answer.dataset.state === "running") finish(answer, "done");
  });
  /* A connection that breaks is not opened again: a run happens once. */
  document.addEventListener("htmx:sseError", (event) => {
    const answer = event.target.closest("[data-answer]");
    if (!answer || answer.dataset.state !== "running") return;
    event.detail.source.close();
    finish(answer, "broken");
  });
})();

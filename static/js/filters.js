/* Filters that are not set stay out of the URL. */
(() => {
  "use strict";

  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.closest("form[method='get']")) return;
    const given = event.detail.parameters;
    for (const name of Object.keys(given)) {
      if (given[name] === "") delete given[name];
    }
  });
})();

// Passkeys: what the browser does between our form and the authenticator. The talk itself is allauth's script; here are its
// places on our pages, and what people read when it does not work out.
(() => {
  "use strict";
  const forms = window.allauth?.webauthn?.forms;
  const notice = document.querySelector("[data-passkey-notice]");
  const say = (text) => {
    if (!notice) return;
    notice.querySelector("p").textContent = text;
    notice.hidden = false;
  };

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const name = event.detail.exception?.name;
    if (name === "NotAllowedError") say("Nothing came back from the passkey: it was cancelled, took too long, or is not known here.");
    else if (name === "InvalidStateError") say("This device has a passkey for this account already.");
    else if (name === "SecurityError") say("Browsers use passkeys on a host name with HTTPS, or on http://localhost, not on an IP address.");
    else say("The passkey did not work. Use another way, or try again.");
  });

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const kind = form.dataset.passkey;
    const button = form.querySelector("[data-passkey-button]");
    if (!forms || !window.PublicKeyCredential) {
      button.disabled = true;
      if (kind !== "loginForm") say("This browser, or this address, has no passkeys: they need HTTPS, or http://localhost.");
      continue;
    }
    const ids = { credential: form.querySelector("[name=credential]").id, passwordless: form.querySelector("[name=passwordless]")?.id };
    ids.add = ids.authenticate = ids.login = button.id;
    forms[kind]({ ids, data: form.dataset.options ? JSON.parse(form.dataset.options) : undefined });
  }
})();

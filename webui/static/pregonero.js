/* Keyboard, confirmation before harm, one send per form, previews, and the glue to htmx. Every page works on without it, only less comfortably. */
(function () {
  "use strict";
  var doc = document;
  var token = function () { return (doc.querySelector("meta[name=csrf-token]") || {}).content || ""; };

  // ---- htmx: the form token in a header; what fails is said, not swallowed
  doc.addEventListener("htmx:configRequest", function (event) { event.detail.headers["X-CSRFToken"] = token(); });
  doc.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status;
    if (status >= 400 && event.detail.xhr.getResponseHeader("Content-Type").indexOf("text/html") === 0) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  var trouble = doc.getElementById("trouble");
  function fail() { trouble.textContent = trouble.dataset.offline; trouble.hidden = false; }
  doc.addEventListener("htmx:sendError", fail);
  doc.addEventListener("htmx:timeout", fail);
  doc.addEventListener("htmx:afterOnLoad", function () { trouble.hidden = true; });

  // ---- confirmation, then one send
  var dialog = doc.getElementById("confirm");
  doc.addEventListener("submit", function (event) {
    var form = event.target, button = event.submitter;
    if (form.method === "dialog" || form.hasAttribute("hx-get") || form.hasAttribute("hx-post")) { return; }
    var question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (question && !form.dataset.confirmed) {
      event.preventDefault();
      doc.getElementById("confirm-text").textContent = question;
      dialog.returnValue = "no";
      dialog.showModal();
      dialog.onclose = function () {
        if (dialog.returnValue !== "yes") { return; }
        form.dataset.confirmed = "1";
        form.requestSubmit(button || undefined);
      };
      return;
    }
    if (button && button.hasAttribute("formtarget")) { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "1";
      form.dataset.dirty = "";
      if (button) { button.classList.add("btn-loading"); }
    }
  });
  doc.addEventListener("htmx:confirm", function (event) {
    if (!event.detail.question) { return; }
    event.preventDefault();
    doc.getElementById("confirm-text").textContent = event.detail.question;
    dialog.returnValue = "no";
    dialog.showModal();
    dialog.onclose = function () { if (dialog.returnValue === "yes") { event.detail.issueRequest(true); } };
  });
  window.addEventListener("pageshow", function () {
    doc.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      delete form.dataset.confirmed;
      form.querySelectorAll(".btn-loading").forEach(function (button) { button.classList.remove("btn-loading"); });
    });
  });

  // ---- nothing typed is lost by a slip
  doc.addEventListener("input", function (event) {
    var form = event.target.form;
    if (form && form.hasAttribute("data-guard")) { form.dataset.dirty = "1"; }
  });
  window.addEventListener("beforeunload", function (event) {
    if (doc.querySelector("form[data-dirty='1']")) { event.preventDefault(); }
  });

  // ---- what a choice changes on the page
  doc.addEventListener("change", function (event) {
    var field = event.target;
    if (field.dataset.submit !== undefined && field.form) { field.form.requestSubmit(); }
    if (field.dataset.fill) { var target = doc.getElementById(field.dataset.fill); target.value = field.value; target.focus(); }
  });
  doc.addEventListener("click", function (event) {
    var filler = event.target.closest("[data-put]");
    if (filler) {
      var field = doc.getElementById(filler.dataset.into);
      field.value = filler.dataset.put;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
    var preview = event.target.closest("[data-preview]");
    if (preview) {
      event.preventDefault();
      doc.getElementById("preview").hidden = false;
      ["preview-phone", "preview-desktop"].forEach(function (name) {
        var form = doc.createElement("form");
        form.method = "post"; form.action = preview.getAttribute("formaction"); form.target = name; form.hidden = true;
        new FormData(preview.form).forEach(function (value, key) {
          var kept = doc.createElement("textarea");
          kept.name = key; kept.value = value;
          form.appendChild(kept);
        });
        doc.body.appendChild(form);
        HTMLFormElement.prototype.submit.call(form);
        form.remove();
      });
    }
  });

  // ---- "Why?": the stored reason in a dialog; what fails opens as a page
  doc.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-why]"), shown = doc.getElementById("why");
    if (!link || !shown || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || answer.status === 204) { throw new Error(answer.status); }
      return answer.text();
    }).then(function (text) {
      var body = doc.getElementById("why-body");
      body.innerHTML = text;
      if (!shown.open) { shown.showModal(); }
      body.querySelector("#why-title").focus();
    }).catch(function () { window.location.assign(link.href); });
  });

  // ---- keyboard: / search, n new, p payment, ? this list, Esc out
  function typing(node) { return node && (/^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) || node.isContentEditable); }
  doc.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) { return; }
    if (event.key === "Escape" && typing(event.target)) {
      if (event.target.type === "search" && event.target.value) {
        event.target.value = "";
        event.target.dispatchEvent(new Event("input", { bubbles: true }));
      } else { event.target.blur(); }
      return;
    }
    if (typing(event.target) || doc.querySelector("dialog[open]")) { return; }
    if (event.key === "/") {
      var fields = Array.prototype.slice.call(doc.querySelectorAll("main [data-search], [data-search]"));
      var shown = fields.filter(function (field) { return field.offsetParent !== null; });
      var first = shown.filter(function (field) { return field.closest("main"); })[0] || shown[0];
      if (first) { event.preventDefault(); first.focus(); first.select(); }
    } else if (event.key === "?") {
      doc.getElementById("keys").showModal();
    } else {
      var link = /^([a-z]|Arrow(Left|Right))$/.test(event.key) && doc.querySelector("[data-key='" + event.key + "']");
      if (link) { event.preventDefault(); link.click(); }
    }
  });

  // ---- start where the person works next
  doc.addEventListener("DOMContentLoaded", function () {
    var wrong = doc.querySelector(".is-invalid") || doc.getElementById("form-errors");
    if (wrong) { wrong.focus(); }
  });
})();

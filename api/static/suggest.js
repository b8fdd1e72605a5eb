// Search as you type: an input with data-suggestions gets a list of what /search finds (the combobox pattern of ARIA).
"use strict";

const WAIT = 120; // milliseconds without a key before the server is asked

function suggest(input) {
  const list = document.createElement("ul");
  list.id = input.id + "-suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  input.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }
  let timer = 0;
  let asked = null; // the request under way
  let chosen = -1;

  function show(hits) {
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    list.replaceChildren(...hits.map((hit, place) => {
      const item = document.createElement("li");
      item.id = list.id + "-" + place;
      item.setAttribute("role", "option");
      item.dataset.href = hit.href;
      const name = document.createElement("span");
      name.textContent = hit.label;
      const kind = document.createElement("small");
      kind.textContent = [hit.match === hit.label ? "" : hit.match, ...hit.classes.map((each) => each.label)].filter(Boolean).join(" · ");
      item.append(name, " ", kind);
      item.addEventListener("mousedown", () => { location.href = hit.href; });
      return item;
    }));
    list.hidden = hits.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  function choose(place) {
    const items = list.children;
    if (chosen >= 0) items[chosen].removeAttribute("aria-selected");
    chosen = (place + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", items[chosen].id);
  }

  async function ask() {
    if (asked) asked.abort();
    const text = input.value.trim();
    if (!text) return show([]);
    asked = new AbortController();
    try {
      const response = await fetch(input.dataset.suggestions + "&q=" + encodeURIComponent(text), { signal: asked.signal });
      if (response.ok) show((await response.json()).hits.filter((hit) => hit.href));
    } catch (error) {
      if (error.name !== "AbortError") show([]); // without suggestions the form still works
    }
  }

  input.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("compositionend", () => { timer = setTimeout(ask, WAIT); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? chosen + 1 : chosen < 0 ? -1 : chosen - 1);
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      location.href = list.children[chosen].dataset.href;
    } else if (event.key === "Escape") {
      show([]);
    }
  });
  input.addEventListener("blur", () => show([]));
}

document.querySelectorAll("input[data-suggestions]").forEach(suggest);

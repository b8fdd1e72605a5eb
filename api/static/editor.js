// YASGUI over this server: its own prefixes, and classes and properties completed from the graph itself; nothing is asked elsewhere.
"use strict";

const place = document.getElementById("editor");
const settings = JSON.parse(place.dataset.settings);
settings.endpoint = new URL(settings.endpoint, location.href).href;
const PREFIXES = Object.entries(settings.prefixes);

async function iris(query) {
  const response = await fetch(settings.endpoint + "?" + new URLSearchParams({ query }), { headers: { Accept: "application/sparql-results+json" } });
  if (!response.ok) return [];
  return (await response.json()).results.bindings.map((row) => row.iri.value);
}

const once = (ask) => {
  let found = null;
  return () => (found ??= ask());
};

const completions = {
  prefixes: () => PREFIXES.map(([name, iri]) => `${name}: <${iri}>`),
  class: once(() => iris("SELECT DISTINCT ?iri WHERE { ?thing a ?iri FILTER(isIRI(?iri)) } LIMIT 5000")),
  property: once(() => iris("SELECT DISTINCT ?iri WHERE { ?thing ?iri ?value } LIMIT 5000")),
};

for (const [name, get] of Object.entries(completions)) {
  Yasgui.Yasqe.forkAutocompleter(name, { name: `${name} of the graph`, bulk: true, persistenceId: null, get });
}

// This server knows its prefixes, but the editor and other servers want them declared.
function declared(query) {
  const lacks = PREFIXES.filter(([name]) => new RegExp(`(?<![\\w:<?$-])${name}:`).test(query) && !new RegExp(`PREFIX\\s+${name}:`, "i").test(query));
  return lacks.map(([name, iri]) => `PREFIX ${name}: <${iri}>\n`).join("") + query;
}

settings.query = declared(settings.query);
Yasgui.Yasqe.defaults.value = settings.query;
Yasgui.Yasqe.defaults.requestConfig.method = "GET";
Yasgui.Yasr.defaults.prefixes = settings.prefixes;

const yasgui = new Yasgui(place, {
  requestConfig: { endpoint: settings.endpoint, method: "GET" },
  copyEndpointOnNewTab: false,
  persistenceId: `guanxi ${settings.name}`,
  populateFromUrl: false,
  endpointCatalogueOptions: { getData: () => [{ endpoint: settings.endpoint }] },
});

const asked = new URLSearchParams(location.search);
if (asked.has("query")) {
  yasgui.addTab(true, { ...Yasgui.Tab.getDefaults(), yasqe: { value: settings.query }, requestConfig: { endpoint: settings.endpoint, method: "GET" } });
}
if (asked.has("run")) yasgui.getTab().query().catch(() => {}); // the tab itself shows what went wrong

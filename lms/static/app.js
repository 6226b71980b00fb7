// The page gives the address, with the file's hash in it, so that browsers may keep the file for a year.
const { initAll } = await import(document.querySelector("link[rel=modulepreload]").href);

initAll();

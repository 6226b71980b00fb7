// The answer to a launch is a page of its own, with an address of its own: loading it again must not launch again.
const shownAt = document.body.dataset.shownAt;
if (shownAt) history.replaceState(null, "", shownAt);

// The page gives the address, with the file's hash in it, so that browsers may keep the file for a year.
const { initAll } = await import(document.querySelector("link[rel=modulepreload]").href);

initAll();

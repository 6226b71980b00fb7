// The desk asks for its list every few seconds while somebody can see it, so often that a change is there within five.
// Without this, "Refresh the list" does.
const rows = document.getElementById("rows");
const changes = document.getElementById("changes");
const EVERY = 3000;
let version = `"${rows.dataset.version}"`;
let timer;

const words = () => [...document.querySelectorAll("#counts li")].map((count) => count.innerText.replace(/\s+/g, " ")).join(", ");

async function ask() {
  try {
    const answer = await fetch(rows.dataset.poll, { headers: { "If-None-Match": version } });
    // Signed out meanwhile: the page itself says what to do.
    if (answer.redirected || answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.status === 200) show(await answer.text(), answer.headers.get("ETag"));
  } catch {
    // The network is away for a moment; the next question may get through.
  }
  plan();
}

function show(html, etag) {
  const before = words();
  const focused = rows.contains(document.activeElement) && document.activeElement.id;
  rows.innerHTML = html;
  version = etag;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (words() !== before) changes.textContent = words();
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden && !paused) timer = setTimeout(ask, EVERY);
}

let paused = false;
const pause = document.createElement("button");
pause.type = "button";
pause.className = "govuk-button govuk-button--secondary";
pause.textContent = "Stop updating";
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Start updating" : "Stop updating";
  if (paused) clearTimeout(timer);
  else ask();
});
document.querySelector("main .govuk-button-group").append(pause);

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : paused || ask()));
plan();

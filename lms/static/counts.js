// The hall's screen asks for its counts every few seconds while somebody can see it. Without this, the button does.
const counts = document.getElementById("counts");
const EVERY = 5000;
let paused = false;
let timer;

async function ask() {
  try {
    const answer = await fetch(counts.dataset.poll);
    // Signed out meanwhile: the page itself says what to do.
    if (answer.redirected || answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.ok) show(await answer.json());
  } catch {
    // The network is away for a moment; the next question may get through.
  }
  plan();
}

function show(found) {
  for (const [name, count] of Object.entries(found))
    document.querySelector(`[data-count=${name}]`).textContent = count;
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden && !paused) timer = setTimeout(ask, EVERY);
}

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
document.getElementById("refresh").append(pause);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : paused || ask()));
plan();

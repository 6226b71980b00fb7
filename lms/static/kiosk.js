// A school's shared tablet. Nobody's page stays for the next person: not on the screen, not behind the Back button.
const { kiosk: start, visitor, warnedAfter, then } = document.body.dataset;
const WARN = Number(warnedAfter) * 1000;
const RESET = WARN + Number(then) * 1000;
const AWAKE = 30 * 60 * 1000;
const TELL = 5 * 60 * 1000;
const toStart = (ended) => location.replace(ended ? `${start}?ended=${ended}` : start);

// A page that the browser kept whole is shown empty, and asked for again: the server knows who is here now.
addEventListener("pagehide", () => (document.body.hidden = true));
addEventListener("pageshow", (event) => event.persisted && location.reload());

for (const form of document.forms) form.autocomplete = "off";

let touched = Date.now();
let told = touched;
const dialog = document.createElement("dialog");
const seconds = document.createElement("p");

function touch() {
  if (dialog.open) return;
  touched = Date.now();
  if (!visitor || touched - told < TELL) return;
  // Somebody who reads for long asks the server for nothing meanwhile: it is told that they are still here.
  told = touched;
  fetch(`${start}?still=/`).catch(() => {});
}

for (const kind of ["pointerdown", "pointermove", "keydown", "input", "wheel", "scroll"]) {
  addEventListener(kind, touch, { passive: true, capture: true });
}

function keepGoing() {
  dialog.close();
  touch();
}

function button(words, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = press === keepGoing ? "govuk-button" : "govuk-button govuk-button--secondary";
  made.textContent = words;
  made.addEventListener("click", press);
  return made;
}

function prepare() {
  const heading = document.createElement("h2");
  heading.id = "still-there";
  heading.className = "govuk-heading-m";
  heading.textContent = "Are you still there?";
  seconds.id = "seconds-left";
  seconds.className = "govuk-body";
  const buttons = document.createElement("div");
  buttons.className = "govuk-button-group";
  buttons.append(button("Keep going", keepGoing), button("Back to the start", () => toStart()));
  dialog.className = "app-still";
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.setAttribute("aria-describedby", seconds.id);
  dialog.append(heading, seconds, buttons);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    keepGoing();
  });
  document.body.append(dialog);
}

function look() {
  const idle = Date.now() - touched;
  if (!visitor) return lookAtStart(idle);
  if (idle >= RESET) return toStart("idle");
  if (idle < WARN) return;
  seconds.textContent = `In ${Math.ceil((RESET - idle) / 1000)} seconds this tablet goes back to the start, ready for the next person. What you finished is kept.`;
  if (!dialog.open) dialog.showModal();
}

function lookAtStart(idle) {
  const isEmpty = location.pathname + location.search === start && !document.querySelector("main input:not([type=hidden])")?.value;
  if (idle >= (isEmpty ? AWAKE : RESET)) toStart();
}

if (visitor) prepare();
setInterval(look, 1000);
// A tablet that slept wakes with a page that may be an hour old.
document.addEventListener("visibilitychange", look);

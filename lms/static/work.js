// Long work asks how far it is every two seconds while somebody can see its page. Without this, "Refresh" does.
const work = document.getElementById("work");
const said = document.getElementById("said");
const EVERY = 2000;
let timer;
let told = 0;

async function ask() {
  try {
    const answer = await fetch(work.dataset.poll);
    // It has ended, or whoever asks is signed out: the page itself says more.
    if (answer.status !== 200 || answer.redirected) return location.reload();
    work.innerHTML = await answer.text();
    tell();
  } catch {
    // The network is away for a moment; the next question may get through.
  }
  plan();
}

// Said aloud at each quarter, and not every two seconds.
function tell() {
  const bar = work.querySelector("progress");
  const quarter = Math.floor(bar.value / 25);
  if (quarter !== told) said.textContent = bar.nextElementSibling.textContent;
  told = quarter;
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, EVERY);
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
plan();

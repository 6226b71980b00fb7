// On the way through a platform's frame. A classic script in the head: it runs before anything is drawn, and where
// cookies work the page is left again before anybody sees it.
(() => {
  const page = document.currentScript.dataset;
  const EVERY = 500;
  const AT_MOST = 5000;

  const show = (part) => {
    document.documentElement.classList.remove("app-waiting");
    for (const each of document.querySelectorAll("[data-part]")) each.hidden = each.dataset.part !== part;
  };

  const storageFrame = () => {
    const platform = window.parent === window ? window.opener : window.parent;
    try {
      return page.target === "_parent" ? platform : platform.frames[page.target];
    } catch {
      return undefined;
    }
  };

  // Asks until there is an answer, because the platform's frame may still be loading; null when there is none or it refuses.
  const ask = (subject, what) => new Promise((answer) => {
    const message = { subject, message_id: page.message, key: page.key, ...what };
    const send = () => storageFrame()?.postMessage(message, page.origin);
    const again = setInterval(send, EVERY);
    const end = (value) => {
      clearInterval(again);
      clearTimeout(silence);
      removeEventListener("message", listen);
      answer(value);
    };
    const listen = ({ origin, data }) => {
      if (origin !== page.origin || data?.subject !== `${subject}.response` || data.message_id !== page.message) return;
      end(data.error ? null : data);
    };
    const silence = setTimeout(end, AT_MOST, null);
    addEventListener("message", listen);
    send();
  });

  const drawn = new Promise((done) => addEventListener("DOMContentLoaded", done));

  const cookiesWork = () => {
    try {
      return document.cookie.includes("countersign-cookies=1");
    } catch {
      return false; // a sandbox without allow-same-origin
    }
  };

  const goOn = () => location.replace(page.go);

  const login = async () => {
    if (cookiesWork()) {
      document.documentElement.classList.add("app-waiting");
      return goOn();
    }
    await drawn;
    if (!page.target) return show("blocked");
    show("waiting");
    return (await ask("lti.put_data", { value: page.secret })) ? goOn() : show("blocked");
  };

  const prove = async () => {
    await drawn;
    const form = document.getElementById("proof");
    show("waiting");
    const kept = await ask("lti.get_data");
    if (typeof kept?.value !== "string" || !kept.value) return show("silent");
    form.elements.secret.value = kept.value;
    return form.submit();
  };

  const proof = async () => {
    await drawn;
    document.getElementById("proof").addEventListener("submit", (event) => {
      event.preventDefault();
      prove();
    });
    return prove();
  };

  if (page.step === "login") login();
  else proof();
})();

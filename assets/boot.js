// Starts the page. The build names the two files to load as attributes of this script's own element, so that no
// script has to be inline and this file never changes between builds.

const { app, wasm } = document.querySelector("script[data-wasm]").dataset;
const childrenBefore = document.body.childElementCount;

try {
  if (typeof WebAssembly !== "object") throw new Error("this browser has no WebAssembly");
  const { default: start } = await import(app);
  await start({ module_or_path: new URL(wasm, document.baseURI) });
} catch (error) {
  console.error(error);
  // Once something is on the page, its own words for what went wrong are better than these.
  if (document.body.childElementCount === childrenBefore) showFailure(error);
}

function showFailure(error) {
  const reload = element("button", "button", "Reload");
  reload.addEventListener("click", () => location.reload());
  const actions = element("p", "");
  actions.append(reload);
  const message = element("div", "message");
  message.append(
    element("h1", "message__title", "Peerpoll could not start"),
    element(
      "p",
      "",
      "Part of the page did not load, or this browser can't run it. Check your connection and reload, or try a " +
        "current Firefox, Chrome, Edge or Safari. Nothing stored in this browser is lost.",
    ),
    element("p", "", `What went wrong: ${error.message}`),
    actions,
  );
  const main = element("main", "page");
  main.append(message);
  document.body.append(main);
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

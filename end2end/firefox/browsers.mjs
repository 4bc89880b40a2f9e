// Stock Firefox, over WebDriver BiDi, and Chromium, each of them kept to this machine.

import puppeteer from "puppeteer-core";

const FIREFOX = process.env.PEERPOLL_FIREFOX ?? "/usr/bin/firefox-esr";
const CHROMIUM = process.env.PEERPOLL_CHROMIUM ?? "/usr/bin/chromium";

const LOOPBACK = "127.0.0.1";
/** Nothing listens there: what is not for this machine ends at a proxy that is not. */
const PORT_DISCARD = 9;
/** Whatever Firefox asks by itself goes the same way, and is not asked in the first place. */
const FIREFOX_PREFERENCES = {
  "network.proxy.type": 1,
  "network.proxy.http": LOOPBACK,
  "network.proxy.http_port": PORT_DISCARD,
  "network.proxy.ssl": LOOPBACK,
  "network.proxy.ssl_port": PORT_DISCARD,
  "network.proxy.no_proxies_on": LOOPBACK,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "browser.region.network.url": "",
  "dom.push.connection.enabled": false,
};
/** Without it a release build passes over `services.settings.server`. */
const FIREFOX_ENVIRONMENT = { ...process.env, MOZ_REMOTE_SETTINGS_DEVTOOLS: "1" };
const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${LOOPBACK}, EXCLUDE *.local`,
];

const LAUNCH_TIMEOUT_MS = 60_000;

const launchFirefoxWith = (preferences, userDataDir) =>
  puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    userDataDir,
    extraPrefsFirefox: { ...FIREFOX_PREFERENCES, ...preferences },
    env: FIREFOX_ENVIRONMENT,
    timeout: LAUNCH_TIMEOUT_MS,
  });

/** With a profile of its own, unless it is told which. */
export const launchFirefox = (userDataDir) => launchFirefoxWith({}, userDataDir);

/** Every window is a private one. */
export const launchPrivateFirefox = (userDataDir) =>
  launchFirefoxWith({ "browser.privatebrowsing.autostart": true }, userDataDir);

export const launchChromium = () =>
  puppeteer.launch({
    browser: "chrome",
    executablePath: CHROMIUM,
    args: CHROMIUM_ARGUMENTS,
    timeout: LAUNCH_TIMEOUT_MS,
  });

// What a test is given: servers of its own, and actors who come when they are first named.

import { test as base } from "@playwright/test";

import { CrashableBrowser } from "./crashable";
import { HostileServer } from "./hostile";
import { People, type Person } from "./people";
import { Problems } from "./problems";
import { Site } from "./site";
import { Stranger } from "./stranger";

type Fixtures = {
  site: Site;
  problems: Problems;
  people: People;
  owner: Person;
  voter: Person;
  another: Person;
  crashable: CrashableBrowser;
  stranger: Stranger;
};

export const test = base.extend<Fixtures>({
  site: async ({}, use) => {
    const site = await Site.start();
    await use(site);
    await site.stop();
  },
  problems: async ({}, use) => {
    const problems = new Problems();
    await use(problems);
    problems.check();
  },
  people: async ({ browser, site, problems }, use) => {
    const people = new People(browser, site, problems);
    await use(people);
    await people.leave();
  },
  owner: async ({ people }, use) => use(await people.join("owner")),
  voter: async ({ people }, use) => use(await people.join("voter")),
  another: async ({ people }, use) => use(await people.join("another")),
  crashable: async ({ people }, use) => {
    const crashable = await CrashableBrowser.prepare(people);
    await use(crashable);
    await crashable.remove();
  },
  stranger: async ({ browser, site }, use) => {
    const stranger = await Stranger.come(browser, site);
    await use(stranger);
    await stranger.leave();
  },
});

/** The same over a signalling server that the test has in its hands. */
export const hostileTest = test.extend<{ server: HostileServer }>({
  server: async ({}, use) => use(await HostileServer.start()),
  site: async ({ server }, use) => {
    const site = await Site.start(server);
    await use(site);
    await site.stop();
  },
});

export { expect } from "@playwright/test";

// What a page can be made to suffer: storage that fails, and a browser that lacks something.

import type { BrowserContext, Page } from "@playwright/test";

import type { Person } from "./people";
import type { Site } from "./site";

/** Something that can happen to one person's storage, now or later, and be undone. */
export interface StorageFault {
  strike(): Promise<void>;
  mend(): Promise<void>;
}

/** Every transaction that writes is aborted. */
export function failing({ page }: Person): StorageFault {
  return {
    strike: () =>
      page.evaluate(() => {
        const put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function (...args) {
          const request = put.apply(this, args);
          this.transaction.abort();
          return request;
        };
        Object.assign(window, { mendStorage: () => (IDBObjectStore.prototype.put = put) });
      }),
    mend: () => mendStorage(page),
  };
}

const QUOTA_BYTES = 4_000_000;

/**
 * A disk with little room, which is filled to the last byte by another page of this site. To be had before the site stores
 * anything: Chromium asks but now and then how much is left.
 */
export async function filling(person: Person, site: Site): Promise<StorageFault> {
  const session = await person.context.newCDPSession(person.page);
  const origin = new URL(site.url()).origin;
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: QUOTA_BYTES });
  return {
    strike: async () => {
      const page = await openBeside(person, site);
      await page.evaluate(async () => {
        const open = indexedDB.open("ballast", 1);
        open.onupgradeneeded = () => open.result.createObjectStore("rows", { autoIncrement: true });
        await new Promise((resolve) => (open.onsuccess = resolve));
        const isStored = (bytes: number): Promise<boolean> => {
          const transaction = open.result.transaction("rows", "readwrite");
          // What can't be compressed.
          transaction.objectStore("rows").add(crypto.getRandomValues(new Uint8Array(bytes)));
          return new Promise((resolve) => {
            transaction.oncomplete = () => resolve(true);
            transaction.onabort = () => resolve(false);
          });
        };
        for (let bytes = 65_536; bytes >= 1; ) if (!(await isStored(bytes))) bytes /= 2;
        open.result.close();
      });
      await page.close();
    },
    mend: async () => {
      await session.send("Storage.overrideQuotaForOrigin", { origin });
      await session.detach();
    },
  };
}

/** A tab of the site in which its page does not run. */
export async function openBeside(person: Person, site: Site): Promise<Page> {
  const { page } = await person.newTab();
  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  await page.goto(site.url("config.json"));
  return page;
}

export async function mendStorage(page: Page): Promise<void> {
  await page.evaluate(() => (window as unknown as { mendStorage(): void }).mendStorage());
}

/** The database that is open now is closed under the page, as browsers do when they must: its next use finds it so. */
export async function closeStorage(page: Page): Promise<void> {
  await page.evaluate(() => {
    const transaction = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...args) {
      IDBDatabase.prototype.transaction = transaction;
      this.close();
      this.dispatchEvent(new Event("close"));
      return transaction.apply(this, args);
    };
  });
}

/** From now on every write is accepted and none completes, until the storage is mended. */
export async function stallStorage(page: Page): Promise<void> {
  await page.evaluate(() => {
    const put = IDBObjectStore.prototype.put;
    let isStalled = true;
    IDBObjectStore.prototype.put = function (...args) {
      // A transaction can't complete while requests keep coming.
      const keepBusy = () => {
        if (isStalled) this.count().onsuccess = keepBusy;
      };
      keepBusy();
      return put.apply(this, args);
    };
    const mendStorage = () => {
      isStalled = false;
      IDBObjectStore.prototype.put = put;
    };
    Object.assign(window, { mendStorage });
  });
}

/** All that the site has stored is cleared, as from the browser's settings, while pages are open. */
export async function clearStorage(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
  await session.detach();
}

/** Reads the number of the newest lead from storage, or, as a tab that takes the lead would, raises it; the answer is what it is then. */
export function epoch(page: Page, change: "read" | "raise"): Promise<number> {
  return page.evaluate(
    (change) =>
      new Promise<number>((resolve, reject) => {
        const open = indexedDB.open("peerpoll");
        open.onerror = () => reject(open.error);
        open.onsuccess = () => {
          const transaction = open.result.transaction("meta", "readwrite");
          const meta = transaction.objectStore("meta");
          const stored = meta.get("epoch");
          let epoch = NaN;
          stored.onsuccess = () => {
            epoch = Number(stored.result) + (change === "raise" ? 1 : 0);
            meta.put(String(epoch), "epoch");
          };
          transaction.onabort = () => reject(transaction.error);
          transaction.oncomplete = () => {
            open.result.close();
            resolve(epoch);
          };
        };
      }),
    change,
  );
}

export type Missing = "Web Locks" | "WebRTC" | "IndexedDB" | "permission to store" | "a database that opens";

/** Every page of this browser is without it, from its first script on. */
export async function takeAway(context: BrowserContext, missing: Missing): Promise<void> {
  await context.addInitScript((missing) => {
    const hide = (owner: object, name: string) => Object.defineProperty(owner, name, { value: undefined });
    switch (missing) {
      case "Web Locks":
        hide(navigator, "locks");
        break;
      case "WebRTC":
        for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel"]) hide(window, name);
        break;
      case "IndexedDB":
        hide(window, "indexedDB");
        break;
      case "permission to store":
        IDBFactory.prototype.open = () => {
          throw new DOMException("not here", "SecurityError");
        };
        break;
      case "a database that opens": {
        const open = IDBFactory.prototype.open;
        IDBFactory.prototype.open = function (...args) {
          const request = open.apply(this, args);
          request.addEventListener("upgradeneeded", () => request.transaction?.abort());
          return request;
        };
        break;
      }
    }
  }, missing);
}

// What a page can be made to suffer: storage that fails, and a browser that lacks something.

import type { BrowserContext, Page } from "@playwright/test";

type StorageFault = "full" | "failing";

/** From now on nothing can be written: there is no room left, or every transaction is aborted. */
export async function breakStorage(page: Page, fault: StorageFault): Promise<void> {
  await page.evaluate((fault) => {
    const put = IDBObjectStore.prototype.put;
    const broken = function (this: IDBObjectStore, ...args: Parameters<typeof put>) {
      if (fault === "full") throw new DOMException("no room", "QuotaExceededError");
      const request = put.apply(this, args);
      this.transaction.abort();
      return request;
    };
    IDBObjectStore.prototype.put = broken;
    Object.assign(window, { mendStorage: () => (IDBObjectStore.prototype.put = put) });
  }, fault);
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

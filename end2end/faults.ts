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

export type Missing = "Web Locks" | "WebRTC" | "IndexedDB" | "permission to store";

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
    }
  }, missing);
}

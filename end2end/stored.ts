// What a page's storage holds.

import type { Page } from "@playwright/test";

/** The values of all rows of one store, in the order of their keys. */
export function rowsIn(page: Page, store: string): Promise<string[]> {
  return page.evaluate(async (store) => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("peerpoll"));
    const rows: string[] = await done(database.transaction(store).objectStore(store).getAll());
    database.close();
    return rows;
  }, store);
}

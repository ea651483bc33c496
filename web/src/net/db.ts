// This browser's memory (IndexedDB): samples, actions and messages that the server has not taken, and answers to be shown while it is away.
// Where the browser gives no storage (private windows of some), everything is kept for the life of the page.

const NAME = 'fitconnect'
const VERSION = 2
const STORES = ['rows', 'boots', 'actions', 'posts', 'cache', 'shared'] as const
export type StoreName = (typeof STORES)[number]

export type Key = IDBValidKey

let opened: Promise<IDBDatabase | undefined> | undefined

function open(): Promise<IDBDatabase | undefined> {
  opened ??= new Promise((resolve) => {
    if (typeof indexedDB === 'undefined') return resolve(undefined)
    const request = indexedDB.open(NAME, VERSION)
    request.onupgradeneeded = () => {
      for (const store of STORES) if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store)
    }
    request.onsuccess = () => {
      // A newer page wants to change the shape: let it.
      request.result.onversionchange = () => request.result.close()
      resolve(request.result)
    }
    request.onerror = request.onblocked = () => resolve(undefined)
  })
  return opened
}

async function change(store: StoreName, make: (objects: IDBObjectStore) => void): Promise<void> {
  const db = await open()
  if (!db) return
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, 'readwrite')
    transaction.oncomplete = () => resolve()
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('the browser did not keep it'))
    make(transaction.objectStore(store))
    // Without waiting for the page: a reload right now must not lose it.
    transaction.commit()
  })
}

async function read<T>(store: StoreName, make: (objects: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
  const db = await open()
  if (!db) return undefined
  return new Promise((resolve) => {
    const request = make(db.transaction(store).objectStore(store))
    request.onsuccess = () => resolve(request.result as T)
    request.onerror = () => resolve(undefined)
  })
}

export const db = {
  put: (store: StoreName, key: Key, value: unknown) => change(store, (objects) => objects.put(value, key)),
  drop: (store: StoreName, keys: Key[]) => change(store, (objects) => keys.forEach((key) => objects.delete(key))),
  get: <T>(store: StoreName, key: Key) => read<T>(store, (objects) => objects.get(key)),
  all: async <T>(store: StoreName): Promise<T[]> => (await read<T[]>(store, (objects) => objects.getAll())) ?? [],
  clear: (store: StoreName) => change(store, (objects) => objects.clear()),
}

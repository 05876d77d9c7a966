/** How long something that a test starts may live: a test, or `{ after }` of node:test for what a whole file shares. */
export interface Scope {
  after(close: () => Promise<void>): void;
}

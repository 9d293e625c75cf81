/** Where a promise is proved: a file, from the root or from `packages/escudo/src`, and the test's name or a part of it. */
export type Proof = readonly [file: string, name: string]

/** What the policies promise, with the tests that fail when it is broken. */
export interface Promised {
  readonly promise: string
  readonly proofs: readonly Proof[]
}

/** One promise and its proofs. */
export function promised(promise: string, ...proofs: readonly Proof[]): Promised {
  return { promise, proofs }
}

import type { CountedLines } from './counted-lines.ts'

/** The counts behind each `ServiceLog`. They are not part of its public type. */
export const countedLines: WeakMap<object, CountedLines> = new WeakMap()

import type { Call } from './engine/call.ts'

/** The user's function that may fail. */
export type Operation<T> = (call: Call) => PromiseLike<T> | T

/** Runs an operation inside the policies wrapped around it so far. Never throws: an error is a rejection. */
// biome-ignore lint/suspicious/noExplicitAny: the composition types fold policies whose R and X differ
export type Run<R = any, X = never> = <T extends R>(call: Call, operation: Operation<T>) => Promise<T | X>

import type { AnyPolicy, KEYED, Key, Policy, PUTS } from './policy.ts'

// The types with which the compiler checks a shield: what its policies read and return, and which keys they need.
// Nothing here exists at run time.

/** The results that a policy can read. */
export type ReadsOf<P> = P extends Policy<infer R, unknown, never> ? R : never

/** What a policy may return in place of a result. */
export type PutsOf<P> = P extends { readonly [PUTS]?: () => infer X } ? X : never

/**
 * The results that all policies can read: an intersection.
 *
 * A union would not do: `Response | unknown` is `unknown`, and every operation would fit. TypeScript infers an
 * intersection from the position of a parameter.
 */
export type ReadsOfAll<Ps extends readonly AnyPolicy[]> = Ps extends readonly []
  ? unknown
  : { [K in keyof Ps]: (value: ReadsOf<Ps[K]>) => void }[number] extends (value: infer R) => void
    ? R
    : never

/** What any of the policies may return in place of a result: a union. */
export type PutsOfAll<Ps extends readonly AnyPolicy[]> = PutsOf<Ps[number]>

/** The keys that a policy accepts. */
export type KeyOf<P> = P extends { readonly [KEYED]?: (key: infer K extends Key) => void } ? K : Key

/** The keys that all policies accept: an intersection. One policy that needs a key makes the key required. */
export type KeyOfAll<Ps extends readonly AnyPolicy[]> = Ps extends readonly []
  ? Key
  : { [I in keyof Ps]: (key: KeyOf<Ps[I]>) => void }[number] extends (key: infer K extends Key) => void
    ? K
    : never

/** The last parameter of a function that takes options. It is optional if no key is required. */
export type KeyedOptions<K extends Key, Optional, Keyed> = undefined extends K ? [options?: Optional] : [options: Keyed]

/**
 * Checks that each policy can read what its inner policies may return.
 *
 * A policy that cannot is replaced by the type of a text, which no policy fits. The compiler's error shows this text.
 */
export type Composable<Ps extends readonly AnyPolicy[]> = Ps extends readonly [
  infer Head extends AnyPolicy,
  ...infer Inside extends readonly AnyPolicy[],
]
  ? [PutsOfAll<Inside>] extends [ReadsOf<Head>]
    ? readonly [Head, ...Composable<Inside>]
    : readonly ['an inner policy may return a value that this policy cannot read', ...Inside]
  : Ps

import type { AnyPolicy, KEYED, Key, Policy, PUTS } from './policy.ts'

// The types by which `shield()` knows what its policies read, put and ask for. Nothing here exists at run time.

/** What a policy reads of results. */
export type ReadsOf<P> = P extends Policy<infer R, unknown, never> ? R : never

/** What a policy may put in place of a result. */
export type PutsOf<P> = P extends { readonly [PUTS]?: () => infer X } ? X : never

/**
 * What all the policies together read: the intersection. The union is folded through a parameter position, since as a
 * plain union `Response | unknown` would collapse to `unknown`, and every operation would fit.
 */
export type ReadsOfAll<Ps extends readonly AnyPolicy[]> = Ps extends readonly []
  ? unknown
  : { [K in keyof Ps]: (value: ReadsOf<Ps[K]>) => void }[number] extends (value: infer R) => void
    ? R
    : never

/** What any of the policies may put in place of a result: the union. */
export type PutsOfAll<Ps extends readonly AnyPolicy[]> = PutsOf<Ps[number]>

/** Which keys a policy can do with. */
export type KeyOf<P> = P extends { readonly [KEYED]?: (key: infer K extends Key) => void } ? K : Key

/** Which keys all the policies together can do with: the intersection, so that one that needs a key is enough. */
export type KeyOfAll<Ps extends readonly AnyPolicy[]> = Ps extends readonly []
  ? Key
  : { [I in keyof Ps]: (key: KeyOf<Ps[I]>) => void }[number] extends (key: infer K extends Key) => void
    ? K
    : never

/** The last parameter of a function that takes options: they can be left out where they need not have a key. */
export type KeyedOptions<K extends Key, Optional, Keyed> = undefined extends K ? [options?: Optional] : [options: Keyed]

/**
 * The policies, each of them where it can read what those inside may put. A policy that cannot is replaced by a type
 * that nothing fits, whose text is the error.
 */
export type Composable<Ps extends readonly AnyPolicy[]> = Ps extends readonly [
  infer Head extends AnyPolicy,
  ...infer Inside extends readonly AnyPolicy[],
]
  ? [PutsOfAll<Inside>] extends [ReadsOf<Head>]
    ? readonly [Head, ...Composable<Inside>]
    : readonly ['a policy further in may put a value that this policy cannot read', ...Inside]
  : Ps

import type { AnyPolicy, Policy, PUTS } from './policy.ts'

// The types by which `shield()` knows what its policies read and put. Nothing here exists at run time.

/** What a policy reads of results. */
export type ReadsOf<P> = P extends Policy<infer R, unknown> ? R : never

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

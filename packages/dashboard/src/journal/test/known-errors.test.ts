import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isSameRequest, joined } from '../../counts/errors/logged-error.ts'
import { Latest } from '../../counts/latest.ts'
import type { ErrorLine } from '../journal.ts'
import { LatestErrors } from '../latest-errors.ts'

const NOW = 10_000

/** The same list, which looks at all of its errors for each line. */
class SearchedErrors {
  readonly #technical: Latest<ErrorLine>
  readonly #business: Latest<ErrorLine>

  constructor(max: number) {
    this.#technical = new Latest(max, () => NOW)
    this.#business = new Latest(max, () => NOW)
  }

  get state(): readonly [readonly ErrorLine[], readonly ErrorLine[]] {
    return [this.#technical.items, this.#business.items]
  }

  add(error: ErrorLine): void {
    const of = (kind: ErrorLine['kind']): Latest<ErrorLine> => (kind === 'business' ? this.#business : this.#technical)
    const isSame = (one: ErrorLine): boolean => isSameRequest(one, error)
    const known = this.#technical.items.findLast(isSame) ?? this.#business.items.findLast(isSame)
    if (known === undefined) of(error.kind).add(error)
    else of(known.kind).replace(known, joined(known, error))
  }

  move(isMoved: (error: ErrorLine) => boolean, byMs: number): void {
    for (const errors of [this.#technical, this.#business]) errors.move(isMoved, byMs)
  }
}

const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const errors: fc.Arbitrary<ErrorLine> = fc.record({
  // Some are further ahead of the clock than 5 s.
  at: fc.oneof(fc.nat({ max: NOW }), fc.nat({ max: 2 * NOW })),
  kind: one('business' as const, 'technical' as const),
  service: one('shop', 'inventory'),
  status: one(undefined, undefined, 503),
  code: one(undefined, 'DOWN'),
  detail: one(undefined, 'why'),
  ref: fc.constant(undefined),
  route: one(undefined, '/items/{id}'),
  path: fc.constant(undefined),
  traceId: one(undefined, 't1'),
  spanId: one(undefined, 's1', 's2', 's3'),
  isHidden: one(false, false, false, true),
})
const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: errors },
    { weight: 1, arbitrary: one('restart' as const) },
    { weight: 1, arbitrary: fc.integer({ min: -5_000, max: 5_000 }) },
  ),
  { minLength: 30, maxLength: 60 },
)

it('finds the error of the same request as a search through all of them does', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (all, max) => {
      const searched = new SearchedErrors(max)
      let list = new LatestErrors<ErrorLine>(max, () => NOW)
      for (const step of all) {
        if (step === 'restart') {
          const { state } = list
          list = new LatestErrors<ErrorLine>(max, () => NOW)
          list.restore(state)
        } else if (typeof step === 'number') {
          const isMoved = ({ service }: ErrorLine): boolean => service === 'shop'
          for (const errors of [list, searched]) errors.move(isMoved, step)
        } else for (const errors of [list, searched]) errors.add(step)
        expect(list.state).toEqual(searched.state)
      }
    }),
    { numRuns: 1_000 },
  )
})

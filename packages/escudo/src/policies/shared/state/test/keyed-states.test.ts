import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyedStates } from '../keyed-states.ts'

type Step = { readonly do: 'of' | 'peek' | 'keep' | 'release'; readonly key: string | undefined }

const keys = fc.constantFrom(undefined, 'a', 'b', 'c', 'd', '__proto__', '')
const steps = fc.array(fc.record<Step>({ do: fc.constantFrom('of', 'peek', 'keep', 'release'), key: keys }))

/** The reference model: a list, oldest use first, that is searched. */
class Model {
  entries: { key: string | undefined; made: number; kept: boolean }[] = []
  made = 0
  readonly #maxKeys: number

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  of(key: string | undefined): number {
    let found = this.find(key)
    if (found === undefined) {
      if (this.entries.length >= this.#maxKeys) {
        const evicted = this.entries.find(({ kept }) => !kept) ?? this.entries[0]
        this.entries = this.entries.filter((entry) => entry !== evicted)
      }
      this.made += 1
      found = { key, made: this.made, kept: false }
    }
    this.entries = [...this.entries.filter((entry) => entry.key !== key), found]
    return found.made
  }

  mark(key: string | undefined, kept: boolean): void {
    const found = this.find(key)
    // A change of the mark is a use: a key that was just released is not the next to be evicted.
    if (found === undefined || found.kept === kept) return
    found.kept = kept
    this.entries = [...this.entries.filter((entry) => entry !== found), found]
  }

  find(key: string | undefined): Model['entries'][number] | undefined {
    return this.entries.find((entry) => entry.key === key)
  }
}

describe('keyed states', () => {
  test('agree with a searched list after any sequence of operations', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (maxKeys, sequence) => {
        let made = 0
        const states = new KeyedStates<{ made: number }>(maxKeys, () => {
          made += 1
          return { made }
        })
        const model = new Model(maxKeys)
        for (const step of sequence) {
          if (step.do === 'of') expect(states.use(step.key).made).toBe(model.of(step.key))
          else if (step.do === 'peek') expect(states.peek(step.key)?.made).toBe(model.find(step.key)?.made)
          else {
            states[step.do](step.key)
            model.mark(step.key, step.do === 'keep')
          }
          expect(states.size).toBe(model.entries.length)
          expect(states.size).toBeLessThanOrEqual(maxKeys)
        }
        expect(new Set(states.states).size).toBe(model.entries.length)
      }),
    )
  })

  test('hold no more than maxKeys after a million keys', () => {
    const states = new KeyedStates<{ key: string | undefined }>(100, (key) => ({ key }))
    for (let n = 0; n < 1_000_000; n += 1) states.use(`key ${n}`)
    expect(states.size).toBe(100)
    expect(states.peek('key 999999')).toEqual({ key: 'key 999999' })
    expect(states.peek('key 999899')).toBeUndefined()
  })

  test('evict a kept key only if no other key can be evicted', () => {
    const states = new KeyedStates<{ key: string | undefined }>(2, (key) => ({ key }))
    states.use('open')
    states.keep('open')
    for (let n = 0; n < 1_000_000; n += 1) states.use(`key ${n}`)
    expect(states.peek('open')).toBeDefined()
    states.keep('key 999999')
    states.use('one more')
    expect(states.peek('open')).toBeUndefined()
  })
})

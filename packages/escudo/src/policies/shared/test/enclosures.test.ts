import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type Enclosure,
  enclosure,
  HeldPermit,
  hasJoined,
  heldPermitOf,
  insideRun,
  isInside,
  outsideCalls,
  type SharedRun,
  whileHolding,
} from '../enclosures.ts'

class TestPermit extends HeldPermit {
  readonly owner: object
  isHeld = true
  joined = 0
  constructor(owner: object) {
    super()
    this.owner = owner
  }
  override onJoin(): void {
    this.joined += 1
  }
}

const run = (...enclosures: (Enclosure | undefined)[]): SharedRun => ({
  enclosures: enclosures.filter((one) => one !== undefined),
})
const find = (owner: object): HeldPermit | undefined => heldPermitOf(owner, enclosure())

describe('a held permit', () => {
  test('is found by everything that its call starts, until it is released', async () => {
    const permit = new TestPermit({})
    const seen: unknown[] = []
    await whileHolding(permit, async () => {
      seen.push(find(permit.owner) === permit)
      await setImmediate()
      seen.push(find(permit.owner) === permit, find({}))
      permit.isHeld = false
      seen.push(find(permit.owner))
    })
    expect(seen).toEqual([true, true, undefined, undefined])
    expect(enclosure()).toBeUndefined()
  })

  test('hides one of the same owner further out only while it is held', () => {
    const [outer, inner] = [new TestPermit({}), new TestPermit({})]
    Object.assign(inner, { owner: outer.owner })
    whileHolding(outer, () =>
      whileHolding(inner, () => {
        expect(find(outer.owner)).toBe(inner)
        inner.isHeld = false
        expect(find(outer.owner)).toBe(outer)
      }),
    )
  })

  test('is found through any number of others, and not outside all calls', () => {
    const permit = new TestPermit({})
    const others = Array.from({ length: 5 }, () => new TestPermit({}))
    const dive = (left: readonly TestPermit[]): HeldPermit | undefined => {
      const [first, ...rest] = left
      return first === undefined ? find(permit.owner) : whileHolding(first, () => dive(rest))
    }
    expect(whileHolding(permit, () => dive(others))).toBe(permit)
    expect(whileHolding(permit, () => outsideCalls(() => dive(others)))).toBeUndefined()
  })
})

test('calls that start each other in turn keep no released permit', () => {
  const owners = [{}, {}]
  let previous: TestPermit | undefined
  let before: TestPermit | undefined
  const step = (left: number): number => {
    if (left === 0) {
      let length = 0
      for (let next = enclosure(); next instanceof HeldPermit; next = next.outer) length += 1
      return length
    }
    const permit = new TestPermit(owners[left % 2] as object)
    // The last permit is still held when the next one is granted. The one before it is not.
    if (before !== undefined) before.isHeld = false
    before = previous
    previous = permit
    return whileHolding(permit, () => step(left - 1))
  }
  expect(step(1_000)).toBeLessThan(5)
})

describe('a run that several calls wait for', () => {
  test('is enclosed by what encloses any of these calls, through other runs too', () => {
    const [first, second, starter] = [new TestPermit({}), new TestPermit({}), new TestPermit({})]
    const inner = run(first, run(second))
    whileHolding(starter, () =>
      insideRun(inner, () => {
        expect([first, second, starter].map(({ owner }) => find(owner))).toEqual([first, second, undefined])
        whileHolding(starter, () => expect(find(second.owner)).toBe(second))
      }),
    )
  })

  test('is found from inside, through a permit, another run or a circle of runs', () => {
    const outer = run()
    const circle: { enclosures: Enclosure[] } = { enclosures: [outer] }
    circle.enclosures.push(run(circle))
    insideRun(circle, () =>
      whileHolding(new TestPermit({}), () => {
        expect([isInside(outer, enclosure()), isInside(circle, enclosure())]).toEqual([true, true])
        expect([isInside(run(), enclosure()), isInside(outer, undefined)]).toEqual([false, false])
      }),
    )
  })

  test('is announced to all held permits around the call that joins it', () => {
    const permits = [new TestPermit({}), new TestPermit({}), new TestPermit({})] as const
    permits[1].isHeld = false
    insideRun(run(permits[0], permits[1]), () => whileHolding(permits[2], () => hasJoined(enclosure() as Enclosure)))
    expect(permits.map(({ joined }) => joined)).toEqual([1, 0, 1])
  })
})

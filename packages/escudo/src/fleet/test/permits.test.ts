import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { Link } from '../link.ts'
import { FleetPermits } from '../permits.ts'

/** The permits of an exact bulkhead whose calls a test starts and ends. Redis grants what is asked for. */
function exactPermits() {
  const clock = virtualClock()
  const asked: string[] = []
  const local = { inUse: 0, waiting: 0, peak: 0 }
  const link = {
    askTexts: async (_script: unknown, _key: string, [, , held, want]: readonly string[]) => {
      asked.push(`${clock.now()} ms: keeps ${held}, wants ${want}`)
      return Number(held) + Number(want)
    },
  } as unknown as Link
  const permits = new FleetPermits(
    {
      ...{ shield: 'reports', policy: 'bulkhead', clock, random: () => 0, limit: 6, exact: true, onLoss: 'share' },
      local: () => ({ ...local }),
      onPermits: () => {},
    },
    { link, key: 'key', id: 'a', instances: () => 1 },
  )
  return { clock, permits, asked, local }
}

describe('the permits of an exact bulkhead', () => {
  it('go back to Redis as soon as a call ends, and not with the next question that is due', async () => {
    const { clock, permits, asked, local } = exactPermits()
    local.waiting = 1
    permits.start()
    await clock.advance(0)
    Object.assign(local, { inUse: 1, waiting: 0 })
    await clock.advance(50)
    local.inUse = 0
    permits.returned()
    await clock.advance(1)
    expect(asked).toEqual(['0 ms: keeps 0, wants 1', '50 ms: keeps 0, wants 0'])
  })

  it('are asked about each second while a call runs, so that Redis counts its permit', async () => {
    const { clock, permits, asked, local } = exactPermits()
    local.waiting = 1
    permits.start()
    await clock.advance(0)
    Object.assign(local, { inUse: 1, waiting: 0 })
    await clock.advance(3_000)
    expect(asked.slice(1)).toEqual([
      '200 ms: keeps 1, wants 0',
      '1200 ms: keeps 1, wants 0',
      '2200 ms: keeps 1, wants 0',
    ])
  })
})

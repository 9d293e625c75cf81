import { expect, it } from 'vitest'
import { ClockOffset } from '../clock-offset.ts'
import { InstanceClocks } from '../instance-clocks.ts'

const NOW = 1_800_000_000_000

/** Reads one line of each process per second, each behind by its own time. Returns how old the last line of each counts. */
function agesOf(behindMs: Readonly<Record<string, number>>, seconds: number, clocks = new InstanceClocks()) {
  const service = new ClockOffset()
  const ages: Record<string, number> = {}
  for (let second = 0; second < seconds; second += 1)
    for (const [id, ms] of Object.entries(behindMs)) {
      const arrivedMs = NOW + second * 1_000
      const at = clocks.countedAt(id, arrivedMs - ms, arrivedMs, service)
      service.add(at, arrivedMs)
      ages[id] = arrivedMs - at
    }
  return ages
}

it('counts the lines of each process as if its clock was that of the service, once it is certain', () => {
  expect(agesOf({ a: 100, b: 600_000, c: -90_000 }, 4)).toEqual({ a: 100, b: 600_000, c: 0 })
  expect(agesOf({ a: 100, b: 600_000, c: -90_000 }, 5)).toEqual({ a: 100, b: 0, c: 0 })
})

it('leaves the lines as they are if all clocks are wrong by the same', () => {
  expect(agesOf({ a: 600_000, b: 600_000 }, 30)).toEqual({ a: 600_000, b: 600_000 })
  expect(agesOf({ a: -90_000, b: -90_000 }, 30)).toEqual({ a: -90_000, b: -90_000 })
})

it('leaves the lines as they are if the clocks differ by less than 5 s', () => {
  expect(agesOf({ a: 0, b: 4_900, c: -4_900 }, 30)).toEqual({ a: 0, b: 4_900, c: -4_900 })
  expect(agesOf({ a: -90_000, b: -93_000 }, 30)).toEqual({ a: -90_000, b: -93_000 })
})

it('knows the clocks of 64 processes, those that wrote last', () => {
  const clocks = new InstanceClocks()
  const service = new ClockOffset()
  const ageAt = (second: number, id: string): number => {
    const arrivedMs = NOW + second * 1_000
    return arrivedMs - clocks.countedAt(id, arrivedMs - 600_000, arrivedMs, service)
  }
  for (let second = 0; second < 10; second += 1) for (const id of ['first', 'second']) ageAt(second, id)
  // A process for each second, as of a program that is started again and again.
  for (let second = 10; second < 100; second += 1) {
    expect(ageAt(second, 'first')).toBe(0)
    ageAt(second, `once ${second}`)
  }
  expect(ageAt(100, 'second')).toBe(600_000)
})

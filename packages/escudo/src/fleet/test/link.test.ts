import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Script } from '../client.ts'
import { Link } from '../link.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const TIMEOUT_MS = 50
const SCRIPT = {} as Script

function linkTo(run: () => Promise<unknown>): { readonly link: Link; readonly ask: (count: number) => Promise<void> } {
  const link = new Link('fleet:redis', run, TIMEOUT_MS, () => {})
  const ask = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) link.ask(SCRIPT, 'key', []).catch(() => {})
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 20)
  }
  return { link, ask }
}

describe('the connection of a fleet', () => {
  it('is not lost because many questions are found overdue at once: the process was busy', async () => {
    const { link, ask } = linkTo(() => new Promise(() => {}))
    await ask(20)
    expect(link.isLost).toBe(false)
    await ask(20)
    expect(link.isLost).toBe(false)
  })

  it('is lost when Redis misses three questions in a row', async () => {
    const { link, ask } = linkTo(() => new Promise(() => {}))
    for (let count = 0; count < 3; count += 1) await ask(1)
    expect(link.isLost).toBe(true)
  })

  it('is lost at once when three questions fail, as they do without a connection', async () => {
    const { link, ask } = linkTo(() => Promise.reject(new Error('connect ECONNREFUSED')))
    await ask(3)
    expect(link.isLost).toBe(true)
  })
})
